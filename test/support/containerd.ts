// A containerd of one test file's own, without the Kubernetes part, and ctr to talk to it. In a machine of its own, see
// podman.ts.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Ended, Running } from "./peapod-host.ts";
import type { Machine } from "./podman.ts";
import { patient } from "./slowness.ts";
import { waitUntil } from "./wait-until.ts";

export class Containerd {
  readonly machine: Machine;
  readonly #socket: string;
  readonly #config: string;
  #daemon: Running | undefined;

  static async start(machine: Machine): Promise<Containerd> {
    const containerd = new Containerd(machine);
    await containerd.restart();
    return containerd;
  }

  private constructor(machine: Machine) {
    const dir = join(machine.dir, "containerd");
    mkdirSync(dir);
    this.machine = machine;
    this.#socket = join(dir, "c.sock");
    this.#config = join(dir, "config.toml");
    const lines = [
      "version = 2",
      `root = "${dir}/root"`,
      `state = "${dir}/state"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      "[grpc]",
      `address = "${this.#socket}"`,
      "[ttrpc]",
      `address = "${this.#socket}.ttrpc"`,
      // Its own figures, times as much as this machine is slower: a runtime that is cut off leaves things behind.
      "[timeouts]",
      `"io.containerd.timeout.shim.cleanup" = "${patient(5)}s"`,
      `"io.containerd.timeout.shim.load" = "${patient(5)}s"`,
      `"io.containerd.timeout.shim.shutdown" = "${patient(3)}s"`,
      `"io.containerd.timeout.task.state" = "${patient(2)}s"`,
    ];
    writeFileSync(this.#config, `${lines.join("\n")}\n`);
  }

  /** Starts the daemon that is not running, and waits until it answers. */
  async restart(): Promise<void> {
    const daemon = this.machine.run(["containerd", "--config", this.#config]);
    this.#daemon = daemon;
    await waitUntil("containerd answers", async () => {
      if (daemon.child.exitCode !== null) throw new Error(`containerd ended: ${daemon.said.err.slice(-2000)}`);
      return (await this.ctr("version")).code === 0;
    });
  }

  /** As a crash would: shims and containers stay. */
  async kill9(): Promise<void> {
    const [pid] = this.machine.pidsOf("containerd --config");
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    await this.#daemon?.ended;
  }

  /** The one that watches this container. */
  shimOf(id: string): number | undefined {
    return this.machine.pidsOf("containerd-shim-runc-v2", `-id ${id} `)[0];
  }

  async ctr(...args: readonly string[]): Promise<Ended> {
    return await this.machine.call(["ctr", "--address", this.#socket, ...args]);
  }

  /** @throws Error with what it said, unless it ended with 0 */
  async must(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.ctr(...args);
    if (code !== 0) throw new Error(`ctr ${args.join(" ")}: ended with ${code}\n${out}${err}`);
    return out;
  }

  /** `ctr run` with this runtime, in the machine's network and below its cgroup. Left running. */
  run(runtime: string, flags: readonly string[], image: string, id: string, ...command: readonly string[]): Running {
    const manner = ["--runc-binary", runtime, "--net-host", "--cgroup", `${this.machine.cgroup}/${id}`];
    const words = ["ctr", "--address", this.#socket, "run", ...manner, ...flags, image, id, ...command];
    return this.machine.run(words);
  }

  /** RUNNING, PAUSED, STOPPED; undefined where there is no such task. */
  async status(id: string): Promise<string | undefined> {
    const line = (await this.must("task", "ls")).split("\n").find((one) => one.split(/\s+/)[0] === id);
    return line?.trim().split(/\s+/)[2];
  }

  async waitForStatus(id: string, status: string | undefined): Promise<void> {
    await waitUntil(`${id} is ${status}`, async () => (await this.status(id)) === status);
  }
}
