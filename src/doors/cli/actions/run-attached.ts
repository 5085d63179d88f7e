// run -i, -t: the pod is made, its user sits down at one container's streams, and then it starts, so that nothing is
// missed. Ctrl-C is the container's where it has a terminal. Leaving by the detach keys leaves the pod running.

import { PeapodError } from "../../../base/errors.ts";
import type { Attachment, Engine, PodClient } from "../../../engine/engine.ts";
import type { PodState } from "../../../state/pod-state.ts";
import { makeEars, runSession } from "../attach-session.ts";
import { parseDetachKeys } from "../detach-keys.ts";
import { EXIT, statusOfSignal } from "../exit-codes.ts";
import { planRequestOf, type StopSignal, type Task } from "../task.ts";
import { deletePod, endPod, statusOfPod } from "./run-foreground.ts";
import { tellNetwork } from "./tell-network.ts";

export async function runAttached(task: Task): Promise<number> {
  const { options, world } = task;
  const detachKeys = parseDetachKeys(options.text("detach-keys") ?? "");
  if (task.args[0] === "-" && options.flag("interactive")) {
    throw new PeapodError("BAD_USAGE", "run: standard input cannot be both the manifest and the container's");
  }
  const engine = await task.engine();
  const abort = new AbortController();
  const interruptions: StopSignal[] = [];
  let client: PodClient | undefined;
  let attachment: Attachment | undefined;
  const interrupt = (signal: StopSignal) => {
    interruptions.push(signal);
    if (client === undefined) abort.abort();
    // Without a terminal of its own the container hears of the first one as if it stood here itself.
    else if (attachment !== undefined && !attachment.hasTerminal && interruptions.length === 1)
      void client.kill({ signal, container: attachment.container }).catch(() => undefined);
    else void endPod(client, interruptions.length, task);
  };
  const stopListening = world.onSignal(interrupt);
  try {
    const created = await engine.up({ ...planRequestOf(task), start: false, signal: abort.signal });
    client = engine.client(created.pod);
    await tellNetwork(task, engine, created);
    let isDetached = false;
    try {
      attachment = await sitDown(task, engine, created);
      const gone = new AbortController();
      world.output.onClosed(() => gone.abort());
      const [how] = await Promise.all([
        runSession(
          attachment,
          await world.openTerminal(),
          { input: options.flag("interactive"), detachKeys },
          gone.signal,
        ),
        client.start().catch((error: unknown) => {
          gone.abort();
          throw error;
        }),
      ]);
      isDetached = how === "detached" && !gone.signal.aborted;
      if (isDetached) return EXIT.ok;
      if (gone.signal.aborted) await endPod(client, 1, task);
      const ended = await client.wait({});
      return interruptions[0] !== undefined && attachment.hasTerminal
        ? statusOfSignal(interruptions[0])
        : statusOfPod(ended);
    } finally {
      attachment?.close();
      if (!isDetached) await deletePod(client, task);
    }
  } catch (error) {
    await task.complain(error);
    return interruptions[0] === undefined ? EXIT.failed : statusOfSignal(interruptions[0]);
  } finally {
    stopListening();
  }
}

/** At the named container, or the only one that fits. @throws BAD_USAGE */
async function sitDown(task: Task, engine: Engine, { pod, containers }: PodState): Promise<Attachment> {
  const { options } = task;
  const plan = await engine.reader.plan(pod);
  const needsInput = options.flag("interactive");
  const needsTerminal = options.flag("tty");
  const fitting = plan.containers.filter(
    ({ stdio }) => (!needsInput || stdio?.stdin) && (!needsTerminal || stdio?.tty),
  );
  const wanted = options.text("container");
  const fields = [...(needsInput ? ["stdin: true"] : []), ...(needsTerminal ? ["tty: true"] : [])].join(" and ");
  if (wanted !== undefined && !containers.some((one) => one.name === wanted)) {
    throw new PeapodError("NOT_FOUND", `pod ${pod}: has no container ${wanted}`);
  }
  if (wanted !== undefined && !fitting.some((one) => one.name === wanted)) {
    throw new PeapodError("BAD_USAGE", `container ${wanted}: its manifest must say ${fields}`);
  }
  const [only] = fitting;
  if (only === undefined) throw new PeapodError("BAD_USAGE", `pod ${pod}: no container of its manifest says ${fields}`);
  if (wanted === undefined && fitting.length > 1) {
    const names = fitting.map((one) => one.name).join(", ");
    throw new PeapodError("BAD_USAGE", `pod ${pod}: several containers say ${fields}`, {
      hint: `choose one with -c: ${names}`,
    });
  }
  return await engine.attach(pod, { ...makeEars(task.world.output), container: wanted ?? only.name });
}
