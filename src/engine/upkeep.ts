// Keeps short what grows with each event and each exit, and what every later supervisor and reader would read: the journal
// and the reaper's `exits`. What cannot be done (a full disk) costs room and time, never a pod; it is tried again later.

import { PeapodError } from "../base/errors.ts";
import { swiftCall } from "../base/swift-call.ts";
import { readLastIoPid } from "../io/io-process.ts";
import { DEFAULT_KEPT_EVENTS } from "../plan/kept-events.ts";
import type { Keep } from "../state/journal.ts";
import type { KeptPod } from "./context.ts";

/** So much more than the mean event that a journal is seldom shortened for its bytes. */
const MOST_BYTES_AN_EVENT = 512;
/** About 450 exits: as many restarts as the kept events are of, and less than a hundred KiB of an inbox's memory. */
const FORGET_BYTES = 16 * 1024;
const PUNCH_MS = 10_000;

export class Upkeep {
  readonly #pod: KeptPod;
  readonly #keep: Keep;
  #isScheduled = false;
  /** No further try before this event. */
  #nextCursor = 0;
  /** Nor before `exits` has grown to here. */
  #nextEnd = FORGET_BYTES;

  constructor(pod: KeptPod) {
    this.#pod = pod;
    const events = pod.plan.keptEvents ?? DEFAULT_KEPT_EVENTS;
    this.#keep = { events, bytes: events * MOST_BYTES_AN_EVENT };
    pod.journal.onEvent(() => this.look());
  }

  /** To be called when events or exits have come; acts once for all that come together. */
  look(): void {
    if (this.#isScheduled || !(this.#isJournalLong || this.#areExitsLong)) return;
    this.#isScheduled = true;
    setImmediate(() => {
      void this.#shortenBoth().finally(() => {
        this.#isScheduled = false;
      });
    });
  }

  /** Half of what is kept: then a follower who comes back late has half as much time again. */
  get #isJournalLong(): boolean {
    const { state, unsummed } = this.#pod.journal;
    if (state.deletedAt !== undefined || state.cursor < this.#nextCursor) return false;
    return unsummed.events >= this.#keep.events / 2 || unsummed.bytes >= this.#keep.bytes / 2;
  }

  get #areExitsLong(): boolean {
    const { inbox, journal } = this.#pod;
    if (journal.state.deletedAt !== undefined || inbox.known < this.#nextEnd) return false;
    return inbox.unforgottenBytes >= FORGET_BYTES;
  }

  async #shortenBoth(): Promise<void> {
    const { journal, inbox, report } = this.#pod;
    try {
      if (this.#isJournalLong) {
        this.#nextCursor = journal.state.cursor + this.#keep.events / 4;
        await journal.shorten(this.#keep);
      }
    } catch (error) {
      report(error, "the journal could not be shortened");
    }
    try {
      if (this.#areExitsLong) {
        this.#nextEnd = inbox.known + FORGET_BYTES / 4;
        await this.#forgetExits();
      }
    } catch (error) {
      report(error, "exits that nobody waits for could not be forgotten");
    }
  }

  async #forgetExits(): Promise<void> {
    const { inbox, plan, reaperProgram } = this.#pod;
    const givenBack = inbox.forget(this.#oldestLookedFor(), this.#lookedFor());
    if (givenBack === 0) return;
    const args = ["forget", plan.paths.exits, String(givenBack)];
    const { exitCode, stderr } = await swiftCall({ program: reaperProgram, args, timeoutMs: PUNCH_MS });
    if (exitCode !== 0)
      throw new PeapodError("HOST_LACKS", `${plan.paths.exits}: cannot be made smaller: ${stderr.trim()}`);
  }

  /** Who is being made may have ended already, and nobody knows his pid yet. */
  #oldestLookedFor(): number {
    const { inbox, io, journal } = this.#pod;
    const making = journal.state.containers.flatMap(({ status, exitsOffset }) =>
      status === "creating" && exitsOffset !== undefined ? [exitsOffset] : [],
    );
    return Math.min(inbox.known, ...making, ...io.awaited().since);
  }

  /** Containers that live, and the last io of each: how that ended is asked as long as there is its container. */
  #lookedFor(): ReadonlySet<number> {
    const { io, journal, plan } = this.#pod;
    const alive = journal.state.containers.filter(({ status }) => status === "created" || status === "running");
    const pids = [
      ...alive.map(({ pid }) => pid),
      ...plan.containers.map(({ paths }) => readLastIoPid(paths.ioLock)),
      ...io.awaited().pids,
    ];
    return new Set(pids.filter((pid) => pid !== undefined));
  }
}
