// One script of runtime calls, told by plain runc and by peapod-oci in two directories that are alike, so that all they
// say and do can be compared. What must differ (pids, times, paths, measured numbers) is replaced, and nothing else.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import t from "tap";
import { readIfAny } from "./if-any.ts";
import { BIN, type Test } from "./peapod-host.ts";
import { busyboxRootfs } from "./rootfs.ts";
import { patient } from "./slowness.ts";
import { waitUntil } from "./wait-until.ts";

/** PEAPOD_OCI names another candidate: a stand-in proves that the comparison itself is sound. */
export const PEAPOD_OCI = process.env.PEAPOD_OCI ?? join(BIN, "peapod-oci");
export const RUNC = findOnPath("runc");
/** Of one call; far more than any takes. */
const DEADLINE_MS = patient(20_000);

/** Why these tests cannot run here; false where they can. */
export const CANNOT_COMPARE: string | false =
  process.getuid?.() !== 0
    ? "needs root"
    : RUNC === undefined
      ? "needs runc"
      : existsSync(PEAPOD_OCI)
        ? false
        : `needs ${PEAPOD_OCI}`;

export type Json = { [name: string]: unknown };
// biome-ignore lint/suspicious/noExplicitAny: a test changes whatever field of config.json it likes, also to nonsense.
export type Config = any;

export interface CallOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The child's descriptors 3, 4 … */
  readonly fds?: readonly number[];
  /** Words before the runtime: a program that starts it. */
  readonly through?: readonly string[];
  /** A program in place of runc. */
  readonly standIn?: string;
  /** The same, found because it is called `runc` and its directory is the first of the PATH. */
  readonly standInOnPath?: string;
  /** Standard input stays open. */
  readonly holdInput?: boolean;
}

export interface Heard {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly args: readonly string[];
  readonly said: { out: string; err: string };
  readonly ended: Promise<Heard>;
}

/** Calls one runtime, in a directory of its own, and notes all that comes of it. */
export class Caller {
  readonly dir: string;
  readonly root: string;
  readonly runtime: string;
  /** Of all its containers, as an absolute path in each hierarchy. */
  readonly cgroup: string;
  readonly notes: Json[] = [];
  readonly #running = new Set<ChildProcess>();
  readonly #names: [string, string][];
  #detachedCount = 0;

  constructor(runtime: string, dir: string, cgroup: string) {
    this.runtime = runtime;
    this.dir = dir;
    this.cgroup = cgroup;
    this.root = join(dir, "root");
    this.#names = [
      [dir, "DIR"],
      [cgroup, "CGROUP"],
    ];
    mkdirSync(dir);
  }

  /** A bundle that runs a shell script in a busybox, without network; `change` may spoil anything. */
  aBundle(name: string, script: string, change: (config: Config) => void = () => undefined): string {
    const bundle = join(this.dir, name);
    mkdirSync(bundle);
    execFileSync("cp", ["-al", busyboxRootfs(), join(bundle, "rootfs")]);
    execFileSync(RUNC!, ["spec"], { cwd: bundle });
    const file = join(bundle, "config.json");
    const config: Config = JSON.parse(readFileSync(file, "utf8"));
    config.process.terminal = false;
    config.process.args = ["/bin/sh", "-c", script];
    config.linux.cgroupsPath = `${this.cgroup}/${name}`;
    change(config);
    writeFileSync(file, JSON.stringify(config));
    return bundle;
  }

  /** The same as a pod: its only member runs the script. */
  aPod(name: string, script: string, change: (config: Config) => void = () => undefined): string {
    const bundle = this.aBundle(name, "false", change);
    const rootfs = join(bundle, "rootfs");
    for (const dir of ["containers", "etc/peapod"]) mkdirSync(join(rootfs, dir));
    execFileSync("cp", ["-al", busyboxRootfs(), join(rootfs, "containers/web")]);
    // In a manifest `$$` stands for a dollar.
    const command = ["/bin/sh", "-c", script.replaceAll("$", "$$$$")];
    const containers = [{ name: "web", image: "rootfs:/containers/web", command }];
    const spec = { restartPolicy: "Never", containers };
    const manifest = { apiVersion: "v1", kind: "Pod", metadata: { name }, spec };
    writeFileSync(join(rootfs, "etc/peapod/pod.yaml"), JSON.stringify(manifest));
    return bundle;
  }

  /** @throws Error unless it ends with 0: then the script itself is wrong, or a runtime is. */
  async runc(...args: readonly string[]): Promise<Heard> {
    return await this.must([...this.#globals, ...args]);
  }

  /** @throws Error if it ends with 0 */
  async refused(...args: readonly string[]): Promise<Heard> {
    return await this.fails([...this.#globals, ...args]);
  }

  async must(args: readonly string[], options: CallOptions = {}): Promise<Heard> {
    const heard = await this.call(args, options);
    if (heard.code !== 0) throw new Error(`${args.join(" ")}: ended with ${heard.code}: ${heard.out}${heard.err}`);
    return heard;
  }

  async fails(args: readonly string[], options: CallOptions = {}): Promise<Heard> {
    const heard = await this.call(args, options);
    if (heard.code === 0) throw new Error(`${args.join(" ")}: is not refused: ${heard.out}${heard.err}`);
    return heard;
  }

  /** To the end of the call and of its output, whatever becomes of it. */
  async call(args: readonly string[], options: CallOptions = {}): Promise<Heard> {
    return await this.finish(this.start(args, options));
  }

  /** Waits for the end, and notes what was heard until then. */
  async finish({ args, ended }: Started): Promise<Heard> {
    const heard = await ended;
    const { code, signal } = heard;
    const out = alikeOutput(args, heard.out);
    this.note(args.join(" "), { code, signal, out, err: alikeOutput(args, heard.err) });
    return heard;
  }

  start(args: readonly string[], options: CallOptions = {}): Started {
    const child = this.#spawn(args, options, ["pipe", "pipe", "pipe"]);
    child.stdin?.on("error", () => undefined).write(options.input ?? "");
    if (!options.holdInput) child.stdin?.end();
    const said = { out: "", err: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said.out += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said.err += text;
    });
    const ended = this.#end(child, "close").then((end) => ({ ...end, ...said }));
    return { child, args, said, ended };
  }

  /**
   * To the end of the call, whose descriptors a container keeps. The result tells what came to them until it is asked:
   * the container's own words too.
   * @throws Error unless it ends with 0
   */
  async detached(args: readonly string[], options: CallOptions = {}): Promise<() => string> {
    const { code, said } = await this.attempt(args, options);
    if (code !== 0) throw new Error(`${args.join(" ")}: ended with ${code}: ${said()}`);
    return said;
  }

  /** The same for a call of which nobody knows whether it leaves a container. */
  async attempt(
    args: readonly string[],
    options: CallOptions = {},
  ): Promise<{ code: number | null; said: () => string }> {
    this.#detachedCount += 1;
    const [input, out, err] = ["in", "out", "err"].map((end) => join(this.dir, `${end}-${this.#detachedCount}`));
    writeFileSync(input!, options.input ?? "");
    const fds = [openSync(input!, "r"), openSync(out!, "w"), openSync(err!, "w")];
    const child = this.#spawn([...this.#globals, ...args], options, fds);
    fds.forEach(closeSync);
    const { code, signal } = await this.#end(child, "exit");
    const said = () => alikeOutput(args, `out: ${readFileSync(out!, "utf8")}err: ${readFileSync(err!, "utf8")}`);
    // A container that runs may have spoken by now or not: its words are noted when the script asks for them.
    this.note(args.join(" "), code === 0 ? { code } : { code, signal, said: said() });
    return { code, said };
  }

  note(what: string, value: unknown): void {
    this.notes.push(JSON.parse(this.alike(JSON.stringify({ what, value: value ?? null }))));
  }

  /** Notes a file's text, or that there is none. */
  noteFile(path: string, words: readonly string[] = []): void {
    const text = existsSync(path) ? alikeOutput(words, readFileSync(path, "utf8")) : undefined;
    this.note(`file ${path}`, text);
  }

  /** A pid file holds what `state` says, in digits and nothing else. */
  async notePidFile(path: string, id: string): Promise<void> {
    const { out } = await this.runc("state", id);
    this.note(`pid file ${path}`, readFileSync(path, "utf8") === String(JSON.parse(out).pid));
  }

  /** Asks plain runc, and notes nothing. */
  pidOf(id: string): number {
    const text = execFileSync(RUNC!, ["--root", this.root, "state", id], { encoding: "utf8" });
    return JSON.parse(text).pid;
  }

  /** Asks plain runc, and notes nothing. */
  async waitForState(id: string, status: string, root = this.root): Promise<void> {
    await waitUntil(`${id} is ${status}`, () => {
      const { stdout } = spawnSync(RUNC!, ["--root", root, "state", id], { encoding: "utf8" });
      return stdout !== "" && JSON.parse(stdout).status === status;
    });
  }

  /** From now on `text` is noted as `name`. */
  rename(text: string, name: string): void {
    this.#names.push([text, name]);
  }

  alike(text: string): string {
    return this.#names.reduce((alike, [from, to]) => alike.replaceAll(from, to), text);
  }

  /** Ends what is left, so that a script that failed does not trouble the next. */
  end(): void {
    for (const child of this.#running) child.kill("SIGKILL");
    for (const id of existsSync(this.root) ? readdirSync(this.root) : []) {
      spawnSync(this.runtime, [...this.#globals, "delete", "--force", id], { stdio: "ignore" });
    }
  }

  get #globals(): readonly string[] {
    return ["--root", this.root];
  }

  #spawn(args: readonly string[], options: CallOptions, stdio: ("pipe" | number)[]): ChildProcess {
    const { standIn, standInOnPath } = options;
    const isPlain = this.runtime === RUNC;
    const runtime = (isPlain && (standIn ?? standInOnPath)) || this.runtime;
    const [program, ...words] = [...(options.through ?? []), runtime, ...args];
    const child = spawn(program!, words, {
      cwd: options.cwd ?? this.dir,
      env: {
        ...process.env,
        ...(standIn && { PEAPOD_OCI_RUNTIME: standIn }),
        ...(standInOnPath && { PATH: `${dirname(standInOnPath)}:${process.env.PATH}` }),
        ...options.env,
      },
      stdio: [...stdio, ...(options.fds ?? [])],
      // As a caller finds it on its PATH; `runc init` shows it.
      ...(runtime === RUNC && program === RUNC && { argv0: "runc" }),
    });
    this.#running.add(child);
    return child;
  }

  #end(child: ChildProcess, event: "exit" | "close"): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const deadline = setTimeout(() => {
      child.kill("SIGKILL");
      // A container may hold the other ends for ever.
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, DEADLINE_MS);
    return new Promise((resolve, reject) => {
      child.once("error", reject).once(event, (code, signal) => {
        clearTimeout(deadline);
        this.#running.delete(child);
        resolve({ code, signal });
      });
    });
  }
}

/**
 * A test whose script both runtimes tell; their stories must be the same, and neither may leave anything. A script
 * that fails with plain runc is a mistake of the script.
 */
export function testBoth(
  sentence: string,
  script: (caller: Caller) => Promise<void>,
  options: { readonly skip?: string | false } = {},
): void {
  t.test(sentence, { skip: CANNOT_COMPARE || (options.skip ?? false), timeout: patient(120_000) }, async (t) => {
    // Short: a socket's path may have 107 bytes, see unix(7).
    const dir = realpathSync(mkdtempSync(join(tmpdir(), "pt-")));
    const base = `/peapod-oci-test-${process.pid}`;
    try {
      const callers = [
        new Caller(RUNC!, join(dir, "a"), `${base}/a`),
        new Caller(PEAPOD_OCI, join(dir, "b"), `${base}/b`),
      ] as const;
      const [plain, ours] = await Promise.all(callers.map((caller) => tell(caller, script)));
      t.equal(plain?.failure, undefined, "the script is right about plain runc");
      t.equal(ours?.failure, undefined, "the script comes to its end");
      compare(t, plain!.notes, ours!.notes);
      await noTraces(t, dir, base);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
}

async function tell(
  caller: Caller,
  script: (caller: Caller) => Promise<void>,
): Promise<{ notes: Json[]; failure?: string }> {
  try {
    await script(caller);
    return { notes: caller.notes };
  } catch (error) {
    return { notes: caller.notes, failure: error instanceof Error ? caller.alike(error.message) : String(error) };
  } finally {
    caller.end();
  }
}

/** Note by note, so that a difference names its call. */
function compare(t: Test, plain: readonly Json[], ours: readonly Json[]): void {
  for (const [index, note] of plain.entries()) {
    const { what, value } = note as { what: string; value: unknown };
    const same = { what: (ours[index] as Json | undefined)?.what, value: (ours[index] as Json | undefined)?.value };
    t.strictSame(same, { what, value }, what || "no words");
    if (same.what !== what) return;
  }
  t.equal(ours.length, plain.length, "both tell the whole story");
}

/** What a call says, without what differs from one call to the next. */
export function alikeOutput(args: readonly string[], text: string): string {
  const alike = text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g, "TIME")
    .replace(/\b(pid|failed to write) [1-9]\d*/g, "$1 PID")
    // While what was killed is still on its way out; runc does it again.
    .replace(/^.*Failed to remove cgroup \(will retry\).*\n/gm, "")
    // Whom the end of their first process took along before runc came to them.
    .replace(/^.*msg="os: process already finished"\n/gm, "")
    // Before runc has made the terminal raw, each line's end is written out twice.
    .replace(/\r+\n/g, "\r\n")
    // Addresses, where Go tells of a panic.
    .replace(/0x[0-9a-f]{6,}\??/g, "ADDRESS")
    .replace(/("(?:pid|init_process_pid)": ?)[1-9]\d*/g, "$1PID");
  if (args.includes("list")) return alike.replace(/^(\S+ +)[1-9]\d*(?= )/gm, "$1PID").replace(/ +/g, " ");
  if (args.includes("ps")) return alikeProcesses(alike);
  if (args.includes("events")) return alike.replace(/^\{.*\}$/gm, alikeStats);
  // Read by several threads of runc from several processes: their order is nobody's promise.
  if (args.includes("--debug") || args.includes("-debug")) return alikeDebug(alike);
  return alike;
}

function alikeProcesses(text: string): string {
  return text
    .replace(/^\[[\d,]+\]$/gm, (list) => list.replace(/\d+/g, "PID"))
    .replace(/^(\S+) +\d+ +\d+ +\d+ +\S+ +(\S+) +[\d:]+ /gm, "$1 PID PPID C STIME $2 TIME ")
    .replace(/^( *PID.*)$/gm, (line) => line.replace(/ +/g, " "))
    .replace(/^ *\d+ (?=[A-Za-z/])/gm, "PID ");
}

/** What is measured is there, whatever it says. */
function alikeStats(line: string): string {
  const shape = (value: unknown): unknown => {
    if (typeof value === "number") return "N";
    if (Array.isArray(value)) return "[]";
    if (typeof value !== "object" || value === null) return value;
    // What is 0 is not always told.
    const told = Object.entries(value).filter(([name]) => name !== "cache");
    return Object.fromEntries(told.map(([name, inner]) => [name, shape(inner)]));
  };
  return JSON.stringify(shape(JSON.parse(line)));
}

export function alikeDebug(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.includes("urgent I/O condition"))
    .map((line) =>
      line
        .replace(/\[\d+\]/g, "[PID]")
        .replace(/\(\d+\)/g, "(PID)")
        .replace(/pid[=":]+\d+/g, "pid=PID"),
    )
    .map((line) => line.replace(/pid \(?\d+/g, "pid PID").replace(/TIME|time="[^"]*"/g, ""))
    .sort()
    .join("\n");
}

/** Processes, mounts and cgroups of both runtimes' containers. Removes the directories above their cgroups. */
async function noTraces(t: Test, dir: string, base: string): Promise<void> {
  const read = () => [...processesOf(dir, base), ...mountsBelow(dir), ...cgroupsBelow(base)];
  await waitUntil("nothing is left", () => read().length === 0, 3000).catch(() => undefined);
  t.strictSame(read(), [], "nothing is left behind");
  for (const path of ["/a", "/b", ""].flatMap((side) => hierarchies().map((top) => `${top}${base}${side}`))) {
    if (existsSync(path)) rmdirSync(path);
  }
}

function processesOf(dir: string, base: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter((pid) => {
      const isDead = /^State:\t[ZX]/m.test(readIfAny(`/proc/${pid}/status`));
      const words = readIfAny(`/proc/${pid}/cmdline`) + readIfAny(`/proc/${pid}/cgroup`);
      return !isDead && (words.includes(`${dir}/`) || words.includes(`${base}/`));
    })
    .map((pid) => `process ${pid}: ${readIfAny(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`);
}

function mountsBelow(dir: string): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return mounts.filter((line) => line.split(" ")[4]?.startsWith(`${dir}/`));
}

function cgroupsBelow(base: string): string[] {
  return hierarchies()
    .flatMap((top) => [`${top}${base}/a`, `${top}${base}/b`])
    .filter((path) => existsSync(path))
    .flatMap((path) => directoriesIn(path));
}

function hierarchies(): string[] {
  return ["/sys/fs/cgroup", ...directoriesIn("/sys/fs/cgroup")];
}

function directoriesIn(path: string): string[] {
  const entries = readdirSync(path, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
}

export function findOnPath(program: string): string | undefined {
  // A user's PATH lacks /usr/sbin, where Debian has runc and containerd's friends.
  const dirs = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return dirs.map((dir) => join(dir, program)).find((path) => existsSync(path));
}
