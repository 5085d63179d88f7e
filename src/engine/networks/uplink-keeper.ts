// The uplink of one pod: started on the way up, again whenever it dies, ended with the pod. One that dies again and again
// is started less and less often, and the pod runs on without.

import { setTimeout as sleep } from "node:timers/promises";
import { endUplink, readUplink, startUplink, type UplinkProcess } from "../../host/uplink.ts";
import type { PlannedUplink } from "../../plan/uplink.ts";

/** One that lived that long is started again at once. */
const GOOD_LIFE_MS = 10_000;
const LONGEST_PAUSE_MS = 30_000;

export class UplinkKeeper {
  readonly #uplink: PlannedUplink;
  readonly #noteAddresses: () => Promise<void>;
  readonly #report: (error: unknown, message: string) => void;
  #running: (UplinkProcess & { readonly since: number }) | undefined;
  #restarting: Promise<void> | undefined;
  #pauseMs = 0;
  #isEnding = false;

  /** `noteAddresses`: called whenever the pod may have others than before. */
  constructor(
    uplink: PlannedUplink,
    noteAddresses: () => Promise<void>,
    report: (error: unknown, message: string) => void,
  ) {
    this.#uplink = uplink;
    this.#noteAddresses = noteAddresses;
    this.#report = report;
  }

  get isBusy(): boolean {
    return this.#restarting !== undefined;
  }

  /** @throws as startUplink does */
  async open(): Promise<void> {
    this.#isEnding = false;
    this.#running = { ...(await startUplink(this.#uplink)), since: Date.now() };
    await this.#noteAddresses();
  }

  /** Called when some process of the pod has ended, and by a supervisor that is new. */
  look(): void {
    if (this.#isEnding || this.#restarting !== undefined) return;
    const there = readUplink(this.#uplink.dir);
    if (there !== undefined) {
      this.#running ??= { ...there, since: Date.now() };
      return;
    }
    const lived = this.#running === undefined ? GOOD_LIFE_MS : Date.now() - this.#running.since;
    this.#pauseMs = lived >= GOOD_LIFE_MS ? 0 : Math.min(Math.max(this.#pauseMs * 2, 100), LONGEST_PAUSE_MS);
    this.#restarting = this.#restart().finally(() => {
      this.#restarting = undefined;
      this.look();
    });
  }

  async #restart(): Promise<void> {
    await sleep(this.#pauseMs);
    if (this.#isEnding) return;
    try {
      await this.open();
    } catch (error) {
      this.#running = { pid: 0, startTime: 0, since: Date.now() };
      this.#report(error, "the pod's uplink could not be started again");
    }
  }

  /** Until it is opened again: before its network namespace goes. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#restarting;
    await endUplink(this.#uplink.dir);
  }
}
