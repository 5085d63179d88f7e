// Looks after what lives beside the containers: an io that died is started again, and who waits outside for a pod in a caller's
// container is told how it fares and ends. Nothing of that may fail the pod: what goes wrong is reported.

import { join } from "node:path";
import { writeFileAtomic } from "../base/files.ts";
import type { PlannedContainer } from "../plan/plan.ts";
import { makeReadiness } from "../state/conditions.ts";
import type { ContainerKeeper } from "./container-keeper.ts";
import { type KeptPod, membersOf } from "./context.ts";

export class Caretaker {
  readonly #pod: KeptPod;
  readonly #ioRestarts = new Set<Promise<void>>();
  readonly #tellings = new Set<Promise<void>>();
  #readiness = "";
  #isGoingDown = false;

  constructor(pod: KeptPod) {
    this.#pod = pod;
    pod.journal.onEvent((event) => {
      if (event.type === "pod.exited" && pod.journal.state.want !== "restarted") this.tellResult(event.status);
      this.#tellReadiness();
    });
  }

  get isBusy(): boolean {
    return this.#ioRestarts.size > 0 || this.#tellings.size > 0;
  }

  /** The reaper rang: somebody's io may have died, or what brings a user's pod to the network. */
  look(): void {
    for (const container of this.#pod.io.takeDead()) this.#onIoDeath(container);
    if (this.#pod.journal.state.createdAt !== undefined && !this.#isGoingDown) this.#pod.uplink?.look();
  }

  /** From here on no io is started again; those that are being started are waited for. */
  async halt(): Promise<void> {
    this.#isGoingDown = true;
    await Promise.all(this.#ioRestarts);
  }

  /** A caller's container ends with it, and whoever reads its output then stops: the last words go first. */
  tellResult(status: number): void {
    if (this.#pod.plan.outer === undefined) return;
    const drained = membersOf(this.#pod).map(({ planned }) => this.#pod.io.drained(planned));
    const telling = Promise.all(drained)
      .then(() => this.#pod.tellResult(status))
      .catch((error: unknown) => this.#pod.report(error, "the result could not be told"))
      .finally(() => this.#tellings.delete(telling));
    this.#tellings.add(telling);
  }

  /** For a caller's health checks, which must wake nobody. */
  #tellReadiness(): void {
    if (this.#pod.plan.outer === undefined) return;
    const text = makeReadiness(this.#pod.journal.state);
    if (text === this.#readiness) return;
    this.#readiness = text;
    try {
      writeFileAtomic(join(this.#pod.plan.paths.dir, "readiness"), text, 0o600);
    } catch (error) {
      this.#pod.report(error, "the readiness could not be told");
    }
  }

  #onIoDeath(container: PlannedContainer): void {
    const status = this.#pod.containers.get(container.name)?.state.status;
    // While it is being created the keeper looks after it.
    if (this.#isGoingDown) return;
    if (status !== "created" && status !== "running" && status !== "exited") return;
    const restart = this.#restartIo(container).finally(() => this.#ioRestarts.delete(restart));
    this.#ioRestarts.add(restart);
  }

  /** After a start that was not the supervisor's first. */
  async recoverIo({ planned, state }: ContainerKeeper): Promise<void> {
    if (state.status === "planned" || state.status === "creating") await this.#pod.io.endUnused(planned);
    // Of one that is on disk nothing is left to carry.
    else if (state.status === "checkpointed" || state.status === "deleted") return;
    else if (!this.#pod.io.recover(planned)) await this.#restartIo(planned);
  }

  /** Never rejects: a log that cannot be written is no reason to let go of the pod. */
  async #restartIo(container: PlannedContainer): Promise<void> {
    try {
      const attempt = this.#pod.containers.get(container.name)?.state.attempt ?? 0;
      await this.#pod.io.open(container, { attempt, resumed: true });
      this.#pod.journal.append({ type: "container.io-restarted", container: container.name });
    } catch (error) {
      this.#pod.report(error, `container ${container.name}: its io could not be started again`);
    }
    // It may have died again before we knew whom to look after.
    if (!this.#isGoingDown) this.look();
  }
}
