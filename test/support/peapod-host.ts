// A peapod of one test's own: its root, its logs and its manifests lie in one temporary directory, and how it leaves the
// machine is part of the test.

import { type ChildProcess, spawn } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { stringify } from "yaml";
import type { PodName } from "../../src/base/names.ts";
import { makePodPaths, podsDir } from "../../src/base/paths.ts";
import type { makePodJson } from "../../src/doors/cli/pod-words.ts";
import { parseJournal } from "../../src/state/parse-journal.ts";
import type { PodState } from "../../src/state/pod-state.ts";
import { verifyJournal } from "../../src/state/verify-journal.ts";
import { busyboxRootfs } from "./rootfs.ts";
import { patient } from "./slowness.ts";
import { readTraces } from "./traces.ts";
import { waitUntil } from "./wait-until.ts";

export const BIN = fileURLToPath(new URL("../../dist/bin/", import.meta.url));
/** Of one command; far more than any takes. */
const DEADLINE_MS = patient(120_000);
/** How often a command's new pods are looked for, to keep their journals. */
const KEEP_EVERY_MS = patient(10);

/** Of a whole test. */
const TEST_DEADLINE_MS = patient(300_000);

/** tap's `t` inside a test. */
export type Test = Parameters<Parameters<typeof t.test>[0]>[0];

export interface ContainerSpec {
  readonly name: string;
  /** Default: the busybox root file system. */
  readonly image?: string;
  /** A shell script, or the words of a command. */
  readonly run?: string | readonly string[];
  readonly [field: string]: unknown;
}

export interface PodRequest {
  readonly name?: string;
  /** A number: so many containers `c1`, `c2` … that sleep. */
  readonly containers?: number | readonly ContainerSpec[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly init?: readonly ContainerSpec[];
  /** More fields of the pod's spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** ConfigMaps and Secrets, behind the pod in its own file. */
  readonly documents?: readonly object[];
}

export interface PodFile {
  readonly name: string;
  readonly file: string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has said so far. */
  readonly said: { out: string; err: string };
}

export interface ProgramCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export class PeapodHost {
  readonly dir: string;
  root: string;
  readonly #journals: string;
  readonly #running = new Set<ChildProcess>();
  readonly #env: NodeJS.ProcessEnv;
  #podCount = 0;
  #keepTimer: NodeJS.Timeout | undefined;

  constructor(env: NodeJS.ProcessEnv) {
    // Short: a socket's path may have 107 bytes, see unix(7).
    this.dir = mkdtempSync(join(tmpdir(), "pt-"));
    this.root = join(this.dir, "run");
    this.#journals = join(this.dir, "journals");
    this.#env = env;
    mkdirSync(this.#journals);
  }

  /** Writes a manifest; the pod is not there yet. */
  aPod(request: PodRequest = {}): PodFile {
    this.#podCount += 1;
    const name = request.name ?? `pod${this.#podCount}`;
    const file = join(this.dir, `${name}.yaml`);
    const containers = request.containers ?? 1;
    const specs =
      typeof containers === "number"
        ? Array.from({ length: containers }, (_, index) => ({ name: `c${index + 1}` }) as ContainerSpec)
        : containers;
    const metadata = { name, ...(request.annotations && { annotations: request.annotations }) };
    const spec = { restartPolicy: "Never", terminationGracePeriodSeconds: 1, ...request.spec };
    const init =
      request.init === undefined ? {} : { initContainers: request.init.map((spec) => this.#makeContainer(spec)) };
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: { ...spec, ...init, containers: specs.map((spec) => this.#makeContainer(spec)) },
    };
    writeFileSync(file, [pod, ...(request.documents ?? [])].map((one) => stringify(one)).join("---\n"));
    return { name, file };
  }

  /** Runs peapod to its end. */
  async peapod(...args: string[]): Promise<Ended> {
    return await this.start(args).ended;
  }

  /** Runs peapod to its end. @throws Error with what it said, unless it ended with 0 */
  async must(...args: string[]): Promise<string> {
    const { code, signal, out, err } = await this.peapod(...args);
    if (code !== 0) throw new Error(`peapod ${args.join(" ")}: ended with ${signal ?? code}\n${out}${err}`);
    return out;
  }

  /** Makes a file that a container may end for, sooner than the program that makes it: that is killed then. */
  async touch(pod: string, path: string, container?: string): Promise<void> {
    const whose = container === undefined ? [] : ["-c", container];
    const { code, err } = await this.peapod("exec", ...whose, pod, "touch", path);
    if (code !== 0 && code !== 137) throw new Error(`${path}: could not be made\n${err}`);
  }

  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.must(...args, "--format", "json")) as T;
  }

  /** What `peapod state` prints. */
  async shown(pod: PodFile): Promise<ReturnType<typeof makePodJson>> {
    return await this.json("state", pod.name);
  }

  async state(pod: PodFile): Promise<PodState> {
    return await this.json<PodState>("state", pod.name);
  }

  /** How peapod is called; others call it as somebody else. */
  protected makeCall(args: readonly string[], env: NodeJS.ProcessEnv): ProgramCall {
    return { program: join(BIN, "peapod"), args, env };
  }

  protected rootfs(): string {
    return busyboxRootfs();
  }

  #makeContainer(spec: ContainerSpec): object {
    const { run, image = `rootfs:${this.rootfs()}`, ...fields } = spec;
    // `exec`, so that the container's first process is the one that gets signals.
    const script = run ?? "exec sleep 1000";
    const command = typeof script === "string" ? ["/bin/sh", "-c", script] : script;
    return { image, command, ...fields };
  }

  /** Starts peapod and leaves it running. */
  start(args: readonly string[], options: { readonly input?: string; readonly env?: NodeJS.ProcessEnv } = {}): Running {
    // Networks are the business of the tests that are about them.
    const env = { ...process.env, PEAPOD_ROOT: this.root, PEAPOD_NETWORK: "none", ...this.#env, ...options.env };
    const call = this.makeCall(args, env);
    const child = spawn(call.program, call.args, {
      cwd: this.dir,
      env: call.env,
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
    this.#keepTimer ??= setInterval(() => this.keepJournals(), KEEP_EVERY_MS);
    const deadline = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once("error", reject).once("close", (code, signal) => {
        clearTimeout(deadline);
        this.#running.delete(child);
        this.keepJournals();
        if (this.#running.size === 0) {
          clearInterval(this.#keepTimer);
          this.#keepTimer = undefined;
        }
        resolve({ code, signal, ...said });
      });
    });
    return { child, ended, said };
  }

  /** The last pod's end takes their folder away, at any instant. */
  #podNames(): readonly string[] {
    try {
      return readdirSync(podsDir(this.root));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  /** A second name for each journal, so that it outlives its pod. */
  keepJournals(): void {
    for (const pod of this.#podNames()) {
      const { journal } = makePodPaths(this.root, pod as PodName);
      try {
        linkSync(journal, join(this.#journals, `${pod}-${inodeOf(journal)}`));
      } catch {
        // Kept already, not there yet, or gone this instant.
      }
    }
  }

  /** Events of all pods that this host has had, by pod; a pod of the same name again is a story of its own. */
  journals(): ReadonlyMap<string, ReturnType<typeof parseJournal>["events"]> {
    const names = readdirSync(this.#journals).sort();
    return new Map(
      names.map((name) => [name, parseJournal(readFileSync(join(this.#journals, name)), name).events] as const),
    );
  }

  /** Asserts that every journal tells a story that can have happened; those of pods that are gone, to its end. */
  verifyJournals(t: Test): void {
    for (const name of readdirSync(this.#journals).sort()) {
      const { violations } = verifyJournal(readFileSync(join(this.#journals, name)), name);
      t.same(violations, [], `the journal of ${name} is in order`);
    }
  }

  /** Asserts that nothing of this host's pods is on the machine. */
  async noLeftovers(t: Test): Promise<void> {
    // What a deletion leaves to the kernel (a dying process, a lazily unmounted tree) may take an instant.
    await waitUntil("nothing is left", () => readTraces(this.root).length === 0, 3000).catch(() => undefined);
    t.same(readTraces(this.root), [], "nothing is left behind");
  }

  /** Deletes what a test left, so that a failed one does not trouble the next. */
  async end(): Promise<void> {
    for (const child of this.#running) child.kill("SIGKILL");
    for (const pod of this.#podNames()) await this.peapod("delete", "--force", pod);
  }

  remove(): void {
    clearInterval(this.#keepTimer);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/**
 * A test with a peapod of its own. After its body, whether that passed or not, its pods are deleted, nothing of them may
 * be left, and their journals are verified.
 */
export function testWithPeapod(
  sentence: string,
  body: (t: Test, host: PeapodHost) => Promise<void>,
  options: { readonly env?: NodeJS.ProcessEnv; readonly skip?: string | false; readonly deadlineMs?: number } = {},
): void {
  const { env = {}, ...more } = options;
  testWithHost(sentence, () => new PeapodHost(env), body, more);
}

/** The same, with another kind of host. */
export function testWithHost<Host extends PeapodHost>(
  sentence: string,
  make: () => Host,
  body: (t: Test, host: Host) => Promise<void>,
  options: { readonly skip?: string | false; readonly deadlineMs?: number } = {},
): void {
  const timeout = options.deadlineMs === undefined ? TEST_DEADLINE_MS : patient(options.deadlineMs);
  t.test(sentence, { skip: options.skip ?? false, timeout }, async (t) => {
    const host = make();
    try {
      await body(t, host);
    } finally {
      await host.end();
      await host.noLeftovers(t);
      host.verifyJournals(t);
      host.remove();
    }
  });
}

function inodeOf(path: string): number {
  return statSync(path).ino;
}
