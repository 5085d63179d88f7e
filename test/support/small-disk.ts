// A peapod for which one directory is a small file system of its own, which a test can fill up. Only what is started here
// sees it, so that the machine's other pods keep their disk.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PeapodHost, type ProgramCall } from "./peapod-host.ts";
import { waitUntil } from "./wait-until.ts";

export class HostWithSmallDisk extends PeapodHost {
  readonly #keeper: ChildProcess;
  readonly #place: string;

  /** @param options of mount(8), for a tmpfs: `size=64k` */
  constructor(env: NodeJS.ProcessEnv, place: string | ((host: PeapodHost) => string), options: string) {
    super(env);
    this.#place = typeof place === "string" ? place : place(this);
    const script = 'mkdir -p "$1" && mount -t tmpfs -o "mode=700,$2" tmpfs "$1" && echo ready && exec sleep 1000';
    const words = ["--mount", "--propagation", "private", "sh", "-c", script, "sh", this.#place, options];
    this.#keeper = spawn("unshare", words, { stdio: ["ignore", "pipe", "ignore"] });
  }

  async isReady(): Promise<void> {
    const { stdout } = this.#keeper;
    await waitUntil("the small disk is there", () => stdout?.read() !== null);
  }

  /** Where the test sees it. */
  get disk(): string {
    return join(`/proc/${this.#keeper.pid}/root`, this.#place);
  }

  protected override makeCall(args: readonly string[], env: NodeJS.ProcessEnv): ProgramCall {
    const call = super.makeCall(args, env);
    // Who enters stands at the root there.
    const there = ["sh", "-c", 'cd "$0" && exec "$@"', this.dir, call.program, ...call.args];
    return { program: "nsenter", args: [this.#inside, ...there], env: call.env };
  }

  /** Another size, with all that is on it. */
  resize(options: string): void {
    execFileSync("nsenter", [this.#inside, "mount", "-o", `remount,${options}`, this.#place]);
  }

  fill(): void {
    for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
      const append = () => writeFileSync(join(this.disk, "filler"), Buffer.alloc(size), { flag: "a" });
      try {
        for (;;) append();
      } catch {
        // No room for as much: for less.
      }
    }
  }

  empty(): void {
    rmSync(join(this.disk, "filler"), { force: true });
  }

  override remove(): void {
    this.#keeper.kill("SIGKILL");
    super.remove();
  }

  get #inside(): string {
    return `--mount=/proc/${this.#keeper.pid}/ns/mnt`;
  }
}
