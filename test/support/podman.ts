// podman with stores of one test file's own, and the small machine within the machine in which it lives: a mount
// namespace with a /run of its own and a network namespace. So what podman, or containerd, leaves can be found: nobody
// else is in there, and with the namespaces all of it goes.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { killIfThere, listIfAny, readIfAny, readLinkIfAny } from "./if-any.ts";
import { findOnPath, PEAPOD_OCI } from "./oci-script.ts";
import type { Ended, Running, Test } from "./peapod-host.ts";
import { busyboxRootfs } from "./rootfs.ts";
import { patient } from "./slowness.ts";
import { waitUntil } from "./wait-until.ts";

/** Of one command; far more than any takes. */
const DEADLINE_MS = patient(60_000);
/** For what a tool or the kernel takes away after it has answered. */
const SETTLE_MS = 10_000;
const CGROUPS = "/sys/fs/cgroup";

// The network's own plugins keep their addresses below /var/lib.
const MACHINE_SCRIPT = `
for dir in /run /var/log /var/lib; do mount -t tmpfs tmpfs $dir || exit 1; done
/bin/busybox ip link set lo up && echo ready && exec cat`;

/** False where these programs are installed and may be used; else what is missing, for people. */
export function whyNotWith(...programs: readonly string[]): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = [...programs, "runc", "unshare", "nsenter"].filter((program) => findOnPath(program) === undefined);
  const files = ["/bin/busybox", PEAPOD_OCI].filter((path) => !existsSync(path));
  return missing.length + files.length > 0 && `not installed: ${[...missing, ...files].join(", ")}`;
}

export class Machine {
  readonly dir: string;
  /** For containers that may be put into a cgroup of one's choice. */
  readonly cgroup: string;
  readonly #keeper: ChildProcess;
  readonly #running = new Set<ChildProcess>();
  /** Parts of names of cgroups that are this machine's. */
  readonly #marks: string[];
  readonly #endAtExit = (): void => this.#endNow();

  static async start(): Promise<Machine> {
    const machine = new Machine();
    await once(machine.#keeper.stdout!, "data");
    return machine;
  }

  private constructor() {
    // Short: a socket's path may have 107 bytes, see unix(7).
    this.dir = mkdtempSync(join(tmpdir(), "pm-"));
    this.cgroup = `/${basename(this.dir)}`;
    this.#marks = [basename(this.dir)];
    const words = ["--mount", "--net", "--propagation", "private", "/bin/sh", "-c", MACHINE_SCRIPT];
    this.#keeper = spawn("unshare", words, { stdio: ["pipe", "pipe", "inherit"] });
    process.once("exit", this.#endAtExit);
  }

  /** Starts a program in the machine and leaves it running. */
  run(words: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {}): Running {
    const enter = ["--mount", "--net", `--target=${this.#keeper.pid}`];
    const child = spawn("nsenter", [...enter, ...words], {
      cwd: this.dir,
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => undefined).end(options.input ?? "");
    const said = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said.out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said.err += text;
    });
    this.#running.add(child);
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once("error", reject).once("close", (code, signal) => {
        this.#running.delete(child);
        resolve({ code, signal, ...said });
      });
    });
    return { child, ended, said };
  }

  /** Runs a program to its end. */
  async call(words: readonly string[], options: { env?: NodeJS.ProcessEnv; input?: string } = {}): Promise<Ended> {
    const { child, ended } = this.run(words, options);
    const deadline = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
    try {
      return await ended;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Cgroups that have this in their name are this machine's. */
  mark(...names: readonly string[]): void {
    this.#marks.push(...names);
  }

  /** Pids of those whose command line has all these words, or begins with the first of them. */
  pidsOf(...words: readonly string[]): number[] {
    return this.#readProcesses()
      .filter(({ line }) => words.every((word) => line.includes(word)))
      .map(({ pid }) => pid);
  }

  /** What is there, one line for each thing, without the names that chance gives: two readings can be compared. */
  readTraces(): string[] {
    const places = ["/run/peapod/pods", "/run/peapod/sandboxes", "/run/runc", "/var/log/peapod"];
    return [
      ...this.#readProcesses().map(({ line }) => `process ${line.slice(0, 200)}`),
      ...this.#readMounts(),
      ...readCgroups(this.#marks).filter(isOfContainer),
      ...places.flatMap((place) => listIfAny(`/proc/${this.#keeper.pid}/root${place}`)),
    ].sort();
  }

  /** Asserts that there is what there was, neither more nor less. */
  async isAsBefore(t: Test, before: readonly string[]): Promise<void> {
    const isSame = (): boolean => this.readTraces().join("\n") === before.join("\n");
    await waitUntil("nothing is left", isSame, SETTLE_MS).catch(() => undefined);
    t.strictSame(this.readTraces(), before, "nothing is left behind");
  }

  /** Ends everything and takes everything away. */
  async remove(): Promise<void> {
    for (const child of this.#running) child.kill("SIGKILL");
    await waitUntil("all have ended", () => {
      const pids = this.#readProcesses().map(({ pid }) => pid);
      pids.forEach(killIfThere);
      return pids.length === 0;
    });
    this.#keeper.kill("SIGKILL");
    // A cgroup can go when its last process has been reaped.
    await waitUntil("the cgroups are gone", () => {
      readCgroups(this.#marks).sort().reverse().forEach(removeIfEmpty);
      return readCgroups(this.#marks).length === 0;
    });
    process.off("exit", this.#endAtExit);
    removePodmansParent();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** For a test process that ends early: nothing here may wait. */
  #endNow(): void {
    // Whoever is killed may be replaced by its parent, so that one round is not always enough.
    for (let round = 0; round < 20; round += 1) {
      const left = this.#readProcesses();
      if (left.length === 0) break;
      for (const { pid } of left) killIfThere(pid);
      spawnSync("/bin/busybox", ["usleep", "20000"]);
    }
    this.#keeper.kill("SIGKILL");
    readCgroups(this.#marks).sort().reverse().forEach(removeIfEmpty);
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** In its mount namespace, or in one that has a mount from its directory, as every container here has. */
  #readProcesses(): { pid: number; line: string }[] {
    const ours = readLinkIfAny(`/proc/${this.#keeper.pid}/ns/mnt`);
    // Before the keeper has left our namespace, and after it has ended, nobody is in there.
    if (ours === "" || ours === readLinkIfAny("/proc/self/ns/mnt")) return [];
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && Number(name) !== this.#keeper.pid)
      .filter((pid) => !/^State:\t[ZX]/m.test(readIfAny(`/proc/${pid}/status`)))
      .filter(
        (pid) =>
          readLinkIfAny(`/proc/${pid}/ns/mnt`) === ours || readIfAny(`/proc/${pid}/mountinfo`).includes(`${this.dir}/`),
      )
      .map((pid) => ({ pid: Number(pid), line: readIfAny(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() }));
  }

  #readMounts(): string[] {
    return (
      readIfAny(`/proc/${this.#keeper.pid}/mountinfo`)
        .split("\n")
        .map((line) => line.split(" ")[4] ?? "")
        .filter((path) => [this.dir, "/run", "/var"].some((top) => path.startsWith(`${top}/`)))
        // podman's own, whatever its runtime; it comes and goes with its calls.
        .filter((path) => path !== join(this.dir, "store/overlay") && path !== "/run/netns")
        .map((path) => `mount ${path}`)
    );
  }
}

/** podman that calls this runtime. */
export class Podman {
  readonly machine: Machine;
  readonly runtime: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(machine: Machine, runtime: string) {
    this.machine = machine;
    this.runtime = runtime;
    const conf = join(machine.dir, "containers.conf");
    this.#env = { CONTAINERS_CONF: conf };
    const lines = [
      "[containers]",
      // It asks for more open files than a confined machine may grant.
      'default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]',
      'netns = "none"',
      "[engine]",
      // Its own pause image needs catatonit, which is not everywhere.
      'infra_image = "localhost/plain"',
      'infra_command = "/bin/sleep 1000"',
      // What a runtime says in its log is told in full words.
      'runtime_supports_json = ["runc", "peapod-oci"]',
    ];
    writeFileSync(conf, `${lines.join("\n")}\n`);
  }

  /** Starts it and leaves it running. */
  run(args: readonly string[], input = ""): Running {
    return this.machine.run(this.#words(args), { env: this.#env, input });
  }

  /** Runs it to its end. */
  async podman(...args: readonly string[]): Promise<Ended> {
    return await this.machine.call(this.#words(args), { env: this.#env });
  }

  /** Runs it to its end. @throws Error with what it said, unless it ended with 0 */
  async must(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.podman(...args);
    if (code !== 0) throw new Error(`podman ${args.join(" ")}: ended with ${code}\n${out}${err}`);
    return out;
  }

  async inspect(name: string, template: string): Promise<string> {
    return (await this.must("inspect", "--format", template, name)).trim();
  }

  #words(args: readonly string[]): string[] {
    const { dir, cgroup } = this.machine;
    const store = ["--root", join(dir, "store"), "--runroot", join(dir, "run"), "--tmpdir", join(dir, "tmp")];
    const manner = ["--runtime", this.runtime, "--cgroup-manager", "cgroupfs", "--events-backend", "file"];
    const takesCgroup = ["run", "create"].includes(args[0] ?? "") || (args[0] === "pod" && args[1] === "create");
    const at = args[0] === "pod" ? 2 : 1;
    const isInPod = args.includes("--pod");
    const words = takesCgroup && !isInPod ? [...args.slice(0, at), "--cgroup-parent", cgroup, ...args.slice(at)] : args;
    return ["podman", ...store, ...manner, ...words];
  }
}

/** A directory tree with a busybox at each of these places. */
export function makeBusyboxTree(dir: string, ...places: readonly string[]): string {
  for (const place of places) {
    mkdirSync(dirname(join(dir, place)), { recursive: true });
    cpSync(busyboxRootfs(), join(dir, place), { recursive: true, verbatimSymlinks: true });
  }
  return dir;
}

/** The archive that `docker save` would write, which all tools read: one layer that holds `tree`. */
export function writeImageArchive(tree: string, tag: string, command: readonly string[]): string {
  const dir = `${tree}.image`;
  mkdirSync(dir);
  execFileSync("tar", ["-C", tree, "-cf", join(dir, "layer.tar"), "."]);
  const digest = createHash("sha256")
    .update(readFileSync(join(dir, "layer.tar")))
    .digest("hex");
  const config = {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: { Cmd: command, Env: ["PATH=/bin"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
    history: [{}],
  };
  writeFileSync(join(dir, "config.json"), JSON.stringify(config));
  const manifest = [{ Config: "config.json", RepoTags: [tag], Layers: ["layer.tar"] }];
  writeFileSync(join(dir, "manifest.json"), JSON.stringify(manifest));
  execFileSync("tar", ["-C", dir, "-cf", `${tree}.tar`, "manifest.json", "config.json", "layer.tar"]);
  rmSync(dir, { recursive: true });
  return `${tree}.tar`;
}

/** In all hierarchies, down to the members of a pod in a container in a pod of podman's. */
function readCgroups(marks: readonly string[]): string[] {
  const walk = (dir: string, depth: number): string[] =>
    listIfAny(dir, true).flatMap((path) => [path, ...(depth > 1 ? walk(path, depth - 1) : [])]);
  return [CGROUPS, ...listIfAny(CGROUPS, true)]
    .flatMap((top) => walk(top, 5))
    .filter((path, index, all) => all.indexOf(path) === index && marks.some((mark) => path.includes(mark)));
}

/** Where podman puts what names no parent; it leaves the empty directory to whoever comes next. */
export function removePodmansParent(): void {
  for (const name of readdirSync(CGROUPS)) removeIfEmpty(join(CGROUPS, name, "libpod_parent"));
}

/** Neither the one above them, nor those that podman makes for its pods and its monitors, and leaves. */
function isOfContainer(cgroup: string): boolean {
  const name = basename(cgroup);
  return !/^(pm-\w+|conmon|[0-9a-f]{64})$/.test(name);
}

function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // Its processes are dying, or it is gone.
  }
}
