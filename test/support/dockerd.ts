// A real dockerd of one test file's own. It lives in a small machine within the machine: a mount namespace with /run and
// /var/log of its own, a network namespace, one cgroup for all its containers. So nobody else's Docker, bridges or
// firewall are touched, what it leaves can be counted, and whatever a killed daemon leaves goes with the namespaces.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isBelow, killIfThere, readIfAny, readLinkIfAny } from "./if-any.ts";
import { BIN, type Ended, type Running, type Test } from "./peapod-host.ts";
import { patient } from "./slowness.ts";
import { waitUntil } from "./wait-until.ts";

/** Of one command of the client; far more than any takes. */
const DEADLINE_MS = patient(90_000);
/** Of a daemon that ends orderly, with ten seconds for its containers. */
const END_MS = 30_000;
/** For what a daemon or the kernel takes away after it has answered. */
const SETTLE_MS = 15_000;
/** For what a swarm does: it takes seconds between two steps where something has failed. */
const WAIT_MS = 60_000;
const ASK_EVERY_MS = 100;
const CGROUPS = "/sys/fs/cgroup";
const NETWORK_NAMESPACE = "network namespace";
const SYSTEM_DIRS = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];

// Shared mounts, as systemd leaves them on most machines: a mount that a container must not see would show.
const MACHINE_SCRIPT = `
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/log && mount --make-rshared / &&
/bin/busybox ip link set lo up && echo ready && exec cat`;

export interface DockerdOptions {
  /** Path of the runtime that is called `peapod` and is the default one. Default: our own. */
  readonly runtime?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** More of its configuration, as `{ "live-restore": true }`. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface ProcessOfMachine {
  readonly pid: number;
  readonly words: readonly string[];
  /** In the memory controller, or the unified hierarchy; from the top. */
  readonly cgroup: string;
}

/** False where a dockerd can be started; else what is missing, for people. */
export function whyNoDockerd(): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = ["dockerd", "docker", "containerd", "runc", "iptables", "unshare", "nsenter", "setpriv"].filter(
    (program) => findProgram(program) === undefined,
  );
  if (!existsSync("/bin/busybox")) missing.push("/bin/busybox");
  return missing.length > 0 && `not installed: ${missing.join(", ")}`;
}

export class Dockerd {
  readonly dir: string;
  /** All its containers lie below it. */
  readonly cgroup: string;
  /** A process that does nothing but hold the namespaces. */
  readonly #keeper: ChildProcess;
  readonly #options: DockerdOptions;
  readonly #running = new Set<ChildProcess>();
  readonly #endAtExit = (): void => this.#endNow();
  #daemon: ChildProcess | undefined;

  static async start(options: DockerdOptions = {}): Promise<Dockerd> {
    const docker = new Dockerd(options);
    try {
      await docker.#awaitMachine();
      await docker.restart();
    } catch (error) {
      await docker.remove();
      throw error;
    }
    return docker;
  }

  private constructor(options: DockerdOptions) {
    // Short: a socket's path may have 107 bytes, see unix(7).
    this.dir = mkdtempSync(join(tmpdir(), "pd-"));
    this.cgroup = `/${basename(this.dir)}`;
    this.#options = options;
    mkdirSync(join(this.dir, "client"));
    writeFileSync(join(this.dir, "daemon.json"), JSON.stringify(this.#makeConfig()));
    const words = ["--mount", "--net", "--propagation", "private", "/bin/sh", "-c", MACHINE_SCRIPT];
    this.#keeper = spawn("unshare", words, { stdio: ["pipe", "pipe", "inherit"] });
    process.once("exit", this.#endAtExit);
  }

  get pid(): number | undefined {
    return this.#daemon?.pid;
  }

  get log(): string {
    return readIfAny(join(this.dir, "log"));
  }

  /** Starts the daemon that is not running, and waits until it answers. */
  async restart(): Promise<void> {
    // However the test's process ends, the daemon ends orderly and takes its containers along: prctl(2), PR_SET_PDEATHSIG.
    const daemonWords = ["setpriv", "--pdeathsig", "TERM", findProgram("dockerd") ?? "dockerd"];
    const config = ["--config-file", join(this.dir, "daemon.json")];
    const log = openSync(join(this.dir, "log"), "a");
    const daemon = spawn("nsenter", [...this.#enter, ...daemonWords, ...config], {
      stdio: ["ignore", log, log],
      // Where it asks its containerd for stacks, containerd writes them there.
      env: { ...process.env, TMPDIR: this.dir, ...this.#options.env },
    });
    this.#daemon = daemon;
    await waitUntil("dockerd answers", async () => {
      if (daemon.exitCode !== null || daemon.signalCode !== null) {
        throw new Error(`dockerd ended with ${daemon.signalCode ?? daemon.exitCode}\n${this.log.slice(-4000)}`);
      }
      return await this.#answers();
    });
  }

  /** Ends the daemon as an administrator would, containers included. */
  async stop(): Promise<void> {
    await this.#endDaemon("SIGTERM");
  }

  /** As a crash would. Its containerd goes with it; shims and containers stay. */
  async kill9(): Promise<void> {
    const containerd = readIfAny(join(this.dir, "exec/containerd/containerd.pid"));
    await this.#endDaemon("SIGKILL");
    // The next daemon takes a zombie for a containerd that lives, and waits for it in vain.
    await waitUntil("containerd is gone", () => containerd === "" || !existsSync(`/proc/${containerd}`), SETTLE_MS);
  }

  /** Runs the client to its end. */
  async docker(...args: string[]): Promise<Ended> {
    return await this.run(args).ended;
  }

  /** Runs the client to its end. @throws Error with what it said, unless it ended with 0 */
  async must(...args: string[]): Promise<string> {
    const { code, signal, out, err } = await this.docker(...args);
    if (code !== 0) throw new Error(`docker ${args.join(" ")}: ended with ${signal ?? code}\n${out}${err}`);
    return out;
  }

  /** Runs another client of the daemon, as docker-compose, to its end. @throws Error with what it said, unless it ended with 0 */
  async compose(program: string, ...args: string[]): Promise<string> {
    const { code, signal, out, err } = await this.#spawn(program, args).ended;
    if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ended with ${signal ?? code}\n${out}${err}`);
    return out;
  }

  /** One field of an object, by the client's own template; without the last line's end. */
  async field(id: string, template: string): Promise<string> {
    return (await this.must("inspect", "--format", `{{${template}}}`, id)).trimEnd();
  }

  /** Starts the client and leaves it running. */
  run(args: readonly string[], input?: string): Running {
    return this.#spawn(findClient(), args, input);
  }

  /** Runs a program in the daemon's own mounts and network: where published ports answer. */
  async inside(...words: string[]): Promise<Ended> {
    return await this.#spawn("nsenter", [...this.#enter, ...words]).ended;
  }

  /** Where a path of the machine lies for us. */
  pathOf(path: string): string {
    return join(`/proc/${this.#keeper.pid}/root`, path);
  }

  /** All that runs in the machine, the daemon's own processes included. */
  processes(): ProcessOfMachine[] {
    return this.#readProcesses().filter(({ pid }) => pid !== this.#keeper.pid);
  }

  /** The processes of a container, those of a pod's members included. */
  processesOf(id: string): ProcessOfMachine[] {
    return this.processes().filter(({ cgroup }) => isBelow(cgroup, join(this.cgroup, id)));
  }

  /** Of the pod that a container is; undefined where it is none, or nobody watches it. */
  reaperOf(id: string): number | undefined {
    const runtimes = list(join(this.dir, "exec")).filter((path) => basename(path).startsWith("runtime-"));
    const sandbox = runtimes.map((root) => readLinkIfAny(join(root, "moby", id, "peapod"))).find((link) => link !== "");
    const dir = this.pathOf(join("/run/peapod/pods", basename(sandbox ?? "none")));
    const pid = Number(readIfAny(join(dir, "reaper.pid")));
    return this.processes().find((process) => process.pid === pid)?.pid;
  }

  /**
   * What is there, one line for each thing, without pids and other names that chance gives, so that two readings can be
   * compared: processes, mounts, cgroups, network namespaces, links, files of runtimes and pods.
   */
  readTraces(): string[] {
    return [
      ...this.processes().map(({ words }) => `process ${words.join(" ").slice(0, 160)}`),
      ...this.#readNetworkNamespaces().map(() => NETWORK_NAMESPACE),
      ...this.#readMounts(),
      ...this.#readCgroups().map((dir) => `cgroup ${dir}`),
      ...this.#readLinks(),
      ...this.#readFiles(),
    ].sort();
  }

  /** Asserts that nothing is there that was not there `before`. */
  async nothingNewIsLeft(t: Test, before: readonly string[]): Promise<void> {
    const isSame = (): boolean => findNew(before, this.readTraces()).length === 0;
    await waitUntil("nothing is left", isSame, SETTLE_MS).catch(() => undefined);
    const sentence = `nothing is left behind; there was, and is: ${tellCounts(before)}`;
    t.strictSame(findNew(before, this.readTraces()), [], sentence);
  }

  /** Ends everything and takes everything away. */
  async remove(): Promise<void> {
    for (const child of this.#running) child.kill("SIGKILL");
    await this.stop().catch(() => this.kill9());
    process.off("exit", this.#endAtExit);
    this.#endNow();
    // A cgroup can go when its last process has been reaped.
    await waitUntil("the cgroups are gone", () => removeCgroups(this.#readCgroups(true)), SETTLE_MS);
  }

  get #enter(): string[] {
    return [`--target=${this.#keeper.pid}`, "--mount", "--net"];
  }

  /** What clients have in DOCKER_HOST. */
  get address(): string {
    return `unix://${this.#socket}`;
  }

  get #socket(): string {
    return join(this.dir, "docker.sock");
  }

  #makeConfig(): object {
    return {
      "data-root": join(this.dir, "data"),
      "exec-root": join(this.dir, "exec"),
      pidfile: join(this.dir, "dockerd.pid"),
      hosts: [this.address],
      "exec-opts": ["native.cgroupdriver=cgroupfs"],
      "cgroup-parent": this.cgroup,
      runtimes: { peapod: { path: this.#options.runtime ?? join(BIN, "peapod-oci") } },
      "default-runtime": "peapod",
      ...this.#options.config,
    };
  }

  #awaitMachine(): Promise<void> {
    const keeper = this.#keeper;
    return new Promise((resolve, reject) => {
      keeper.once("error", reject).once("exit", () => reject(new Error("no namespaces for dockerd, see above")));
      keeper.stdout?.once("data", () => resolve());
    });
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const asked = request({ socketPath: this.#socket, path: "/_ping", timeout: 1000 }, (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      });
      asked.once("timeout", () => asked.destroy(new Error("no answer"))).once("error", () => resolve(false));
      asked.end();
    });
  }

  async #endDaemon(signal: NodeJS.Signals): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
    daemon.kill(signal);
    await waitUntil("dockerd ends", () => daemon.exitCode !== null || daemon.signalCode !== null, END_MS);
  }

  /** For a test process that ends early, too: nothing here may wait. */
  #endNow(): void {
    // Whoever is killed may be replaced by its parent, so that one round is not always enough.
    for (let round = 0; round < 20; round += 1) {
      const left = this.processes();
      if (left.length === 0) break;
      for (const { pid } of left) killIfThere(pid);
      pauseBriefly();
    }
    this.#keeper.kill("SIGKILL");
    for (let round = 0; round < 50 && !removeCgroups(this.#readCgroups(true)); round += 1) pauseBriefly();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #spawn(program: string, args: readonly string[], input = ""): Running {
    const child = spawn(program, args, {
      cwd: this.dir,
      env: {
        ...process.env,
        DOCKER_HOST: this.address,
        DOCKER_CONFIG: join(this.dir, "client"),
        DOCKER_BUILDKIT: "0",
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => undefined).end(input);
    const said = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said.out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said.err += text;
    });
    this.#running.add(child);
    const deadline = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once("error", reject).once("close", (code, signal) => {
        clearTimeout(deadline);
        this.#running.delete(child);
        resolve({ code, signal, ...said });
      });
    });
    return { child, ended, said };
  }

  #readProcesses(): ProcessOfMachine[] {
    const ours = readLinkIfAny(`/proc/${this.#keeper.pid}/ns/mnt`);
    // The keeper is gone, or has not entered its namespace yet: then there is nothing, or nothing that is not everybody's.
    const hasMachine = ours !== "" && ours !== readLinkIfAny("/proc/self/ns/mnt");
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        const cgroup = findCgroup(readIfAny(`/proc/${name}/cgroup`));
        const isOurs = (hasMachine && readLinkIfAny(`/proc/${name}/ns/mnt`) === ours) || isBelow(cgroup, this.cgroup);
        const isZombie = /^State:\tZ/m.test(readIfAny(`/proc/${name}/status`));
        if (!isOurs || isZombie) return [];
        const words = readIfAny(`/proc/${name}/cmdline`).split("\0").slice(0, -1);
        return [{ pid: Number(name), words, cgroup }];
      });
  }

  #readNetworkNamespaces(): string[] {
    const links = this.processes().map(({ pid }) => readLinkIfAny(`/proc/${pid}/ns/net`));
    return [...new Set(links)].filter((link) => link !== "");
  }

  #readMounts(): string[] {
    return readIfAny(`/proc/${this.#keeper.pid}/mountinfo`)
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter((path) => isBelow(path, this.dir) || isBelow(path, "/run") || isBelow(path, "/var"))
      .map((path) => `mount ${path}`);
  }

  #readCgroups(withTop = false): string[] {
    return [CGROUPS, ...list(CGROUPS)]
      .map((hierarchy) => join(hierarchy, this.cgroup))
      .filter((top) => existsSync(top))
      .flatMap((top) => [...readDirsBelow(top), ...(withTop ? [top] : [])]);
  }

  #readLinks(): string[] {
    return readIfAny(`/proc/${this.#keeper.pid}/net/dev`)
      .split("\n")
      .slice(2)
      .map((line) => line.split(":")[0]?.trim() ?? "")
      .filter((name) => name !== "")
      .map((name) => `link ${name.replace(/^veth.*/, "veth")}`);
  }

  #readFiles(): string[] {
    const exec = join(this.dir, "exec");
    const runtimes = list(exec).filter((path) => basename(path).startsWith("runtime-"));
    const places = [
      ...runtimes.flatMap(list),
      join(exec, "containerd/daemon/io.containerd.runtime.v2.task/moby"),
      ...["/run/runc", "/run/peapod/pods", "/run/peapod/sandboxes", "/var/log/peapod"].map((path) => this.pathOf(path)),
    ];
    return places.flatMap(list).map((path) => `file ${path.replace(/^\/proc\/\d+\/root/, "")}`);
  }
}

/** As waitUntil, for questions that the client is started for: not too often. */
export async function waitForDocker(what: string, question: () => Promise<boolean>): Promise<void> {
  await waitUntil(what, async () => (await question()) || (await sleep(ASK_EVERY_MS, false)), WAIT_MS);
}

/** How many there are of each kind, for people. */
function tellCounts(traces: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const trace of traces) {
    const kind = trace === NETWORK_NAMESPACE ? trace : (trace.split(" ")[0] ?? "");
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${kind} ${count}`).join(", ");
}

/** What is in `now` beyond `before`; of equal lines, those that are too many. */
function findNew(before: readonly string[], now: readonly string[]): string[] {
  const known = [...before];
  return now.filter((line) => {
    const index = known.indexOf(line);
    if (index >= 0) known.splice(index, 1);
    return index < 0;
  });
}

export function parentOf(pid: number): number {
  return Number(/^PPid:\t(\d+)/m.exec(readIfAny(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Debian's own client before any other: it is as old as its daemon. */
function findClient(): string {
  return existsSync("/usr/bin/docker") ? "/usr/bin/docker" : "docker";
}

function findProgram(name: string): string | undefined {
  const dirs = [...(process.env.PATH ?? "").split(delimiter), ...SYSTEM_DIRS];
  return dirs.map((dir) => join(dir, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function pauseBriefly(): void {
  spawnSync("/bin/busybox", ["usleep", "20000"]);
}

/** From the deepest. False where one is still in use. */
function removeCgroups(dirs: readonly string[]): boolean {
  let isDone = true;
  for (const dir of dirs) {
    try {
      rmdirSync(dir);
    } catch {
      isDone &&= !existsSync(dir);
    }
  }
  return isDone;
}

/** The deepest first. */
function readDirsBelow(top: string): string[] {
  const names = readdirIfAny(top).filter((entry) => entry.isDirectory());
  return names.flatMap(({ name }) => [...readDirsBelow(join(top, name)), join(top, name)]);
}

function readdirIfAny(dir: string) {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch {
    return [];
  }
}

function list(dir: string): string[] {
  return readdirIfAny(dir).map(({ name }) => join(dir, name));
}

function findCgroup(text: string): string {
  const lines = text.split("\n");
  const line =
    lines.find((one) => /^\d+:([^:]*,)?memory(,[^:]*)?:/.test(one)) ?? lines.find((one) => one.startsWith("0::"));
  return line?.split(":").slice(2).join(":") ?? "";
}
