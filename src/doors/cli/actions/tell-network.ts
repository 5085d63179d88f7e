// What a user may not expect of his new pod: one line on stderr where it has no network although he did not say so.

import type { Engine } from "../../../engine/engine.ts";
import type { PodState } from "../../../state/pod-state.ts";
import type { Task } from "../task.ts";

export async function tellNetwork({ world }: Task, engine: Engine, { pod }: PodState): Promise<void> {
  // Set by peapod-rootless: root's pods need not be looked at.
  if (!world.env.PEAPOD_USERNS) return;
  const { noUplink } = (await engine.reader.plan(pod)).sandbox;
  if (noUplink !== undefined) world.output.err(`peapod: note: pod ${pod} ${noUplink} (docs/rootless.md)\n`);
}
