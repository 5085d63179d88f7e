// A bundle as a caller of runc has it, with a pod in it: what Docker or podman would hand to peapod-oci.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { makeCgroupBase } from "../../src/base/paths.ts";
import { BIN, type Ended, type PeapodHost } from "./peapod-host.ts";
import { busyboxRootfs } from "./rootfs.ts";
import { patient } from "./slowness.ts";
import { waitUntil } from "./wait-until.ts";

const DEADLINE_MS = patient(30_000);

export interface Member {
  readonly name: string;
  /** Of sh; ends at once unless told. */
  readonly run?: string | readonly string[];
  readonly image?: string;
  readonly [field: string]: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: a test changes whatever field of config.json it likes.
type Config = any;

export class PodBundle {
  readonly id: string;
  readonly dir: string;
  readonly rootfs: string;
  readonly runcRoot: string;
  /** Its members' state, where readers of pods look. */
  readonly root: string;

  constructor(host: PeapodHost, id: string) {
    this.id = id;
    this.root = host.root;
    this.dir = join(host.dir, "bundles", id);
    this.rootfs = join(this.dir, "rootfs");
    this.runcRoot = join(host.root, "caller");
    mkdirSync(join(this.rootfs, "containers"), { recursive: true });
    const made = spawnSync("runc", ["spec", "--bundle", this.dir]);
    if (made.status !== 0) throw new Error(`runc spec: ${made.stderr}`);
    this.configure((config) => {
      config.process.terminal = false;
      config.root.readonly = false;
      // Where the traces of this host are looked for.
      config.linux.cgroupsPath = `${makeCgroupBase(host.root)}/caller-${id}`;
    });
  }

  configure(change: (config: Config) => void): void {
    const path = join(this.dir, "config.json");
    const config = JSON.parse(readFileSync(path, "utf8"));
    change(config);
    writeFileSync(path, JSON.stringify(config, null, 2));
  }

  get config(): Config {
    return JSON.parse(readFileSync(join(this.dir, "config.json"), "utf8"));
  }

  /** Each member has a busybox root file system of its own, unless it names an image. */
  withPod(
    members: readonly Member[],
    spec: object = {},
    path = "/etc/peapod/pod.yaml",
    annotations: Readonly<Record<string, string>> = {},
  ): this {
    for (const { name, image } of members) if (image === undefined) this.addRootfs(name);
    const containers = members.map(({ name, run = "exit 0", image = `rootfs:/containers/${name}`, ...fields }) => ({
      name,
      image,
      command: typeof run === "string" ? ["/bin/sh", "-c", run] : run,
      ...fields,
    }));
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "shop", annotations },
      spec: { restartPolicy: "Never", ...spec, containers },
    };
    this.addFile(path, stringify(pod));
    return this;
  }

  addRootfs(name: string): void {
    if (existsSync(join(this.rootfs, "containers", name))) return;
    cpSync(busyboxRootfs(), join(this.rootfs, "containers", name), { recursive: true, verbatimSymlinks: true });
  }

  addFile(path: string, text: string): void {
    mkdirSync(dirname(join(this.rootfs, path)), { recursive: true });
    writeFileSync(join(this.rootfs, path), text);
  }

  /** One call of peapod-oci to its end. */
  async oci(...words: string[]): Promise<Ended> {
    return this.start(words).ended;
  }

  async must(...words: string[]): Promise<string> {
    const { code, signal, out, err } = await this.oci(...words);
    if (code !== 0) throw new Error(`peapod-oci ${words.join(" ")}: ended with ${signal ?? code}\n${out}${err}`);
    return out;
  }

  /** `run` to its end: the pod's output and result. */
  async run(): Promise<Ended> {
    return this.oci("run", "--bundle", this.dir, this.id);
  }

  /** Created and started in the background; its output goes nowhere. */
  async up(): Promise<void> {
    await this.must("run", "--detach", "--bundle", this.dir, this.id);
  }

  start(words: readonly string[], input = ""): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
    const isDetached = words.includes("--detach") || words.includes("create");
    const child = spawn(join(BIN, "peapod-oci"), ["--root", this.runcRoot, ...words], {
      env: { ...process.env, PEAPOD_ROOT: this.root },
      // A pod that goes on must not keep us waiting for the end of its output.
      stdio: isDetached ? ["ignore", "ignore", "pipe"] : "pipe",
    });
    child.stdin?.on("error", () => undefined).end(input);
    const said = { out: "", err: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said.out += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said.err += text;
    });
    const deadline = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once("error", reject).once(isDetached ? "exit" : "close", (code, signal) => {
        clearTimeout(deadline);
        // What it wrote may come a moment after its end.
        setTimeout(() => resolve({ code, signal, ...said }), isDetached ? 20 : 0);
      });
    });
    return { child, ended };
  }

  /** runc's status of the caller's container; undefined where there is none. */
  async status(): Promise<string | undefined> {
    const { code, out } = await this.oci("state", this.id);
    return code === 0 ? (JSON.parse(out) as { status: string }).status : undefined;
  }

  /** The caller's container's first process. */
  async pid(): Promise<number> {
    return (JSON.parse(await this.must("state", this.id)) as { pid: number }).pid;
  }

  /** What a caller does in the end, and the directory above its containers. */
  async end(): Promise<void> {
    await this.oci("delete", "--force", this.id);
    // runc leaves what lies above a container's own: its root, and its cgroup's parent; killed half-way, the cgroup, too.
    const base = makeCgroupBase(this.root);
    const above = ["", ...readdirSync("/sys/fs/cgroup")].flatMap((name) =>
      [`${base}/caller-${this.id}`, base].map((path) => join("/sys/fs/cgroup", name, path)),
    );
    for (const dir of [this.runcRoot, ...above]) {
      // What was killed in it may be on its way out.
      await waitUntil(`${dir} is empty`, () => removeUnlessBusy(dir), 1000).catch(() => undefined);
    }
  }
}

/** False while a process is in the cgroup. What is not there, or has another bundle of this host in it, may stay. */
function removeUnlessBusy(dir: string): boolean {
  try {
    rmdirSync(dir);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "EBUSY";
  }
  return true;
}
