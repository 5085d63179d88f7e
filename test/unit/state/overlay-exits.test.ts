// A reader shows exits that the supervisor has not come to yet, and never those of somebody else.

import t from "tap";
import type { ExitLine } from "../../../src/exits/exit.ts";
import type { Fact } from "../../../src/state/event.ts";
import { foldEvents } from "../../../src/state/fold.ts";
import { makeBareOutline } from "../../../src/state/outline.ts";
import { applyUnclaimedExits } from "../../../src/state/overlay-exits.ts";
import type { PodState } from "../../../src/state/pod-state.ts";
import { anOrdinaryLife, exitedWith, POD, SIDECAR, stamp, WEB } from "../../support/journals.ts";

const life = anOrdinaryLife();
const RUNNING = life.slice(0, life.findIndex((fact) => fact.type === "pod.started") + 1);
const withExits = (state: PodState, lines: readonly ExitLine[]) => applyUnclaimedExits(state, lines, () => true);
const stateOf = (facts: readonly Fact[]) => foldEvents(POD, [WEB, SIDECAR].map(makeBareOutline), stamp(facts));
const line = (pid: number, code: number, offset: number): ExitLine => ({ pid, exit: exitedWith(code), offset });

t.test("without a line of its own a container is as it was", async (t) => {
  const state = stateOf(RUNNING);
  t.strictSame(withExits(state, []), state);
  t.strictSame(withExits(state, [line(999, 1, 0)]), state);
});

t.test("a supervisor that died between the last exit and the pod's leaves no doubt about the result", async (t) => {
  const untilLastExit = life.slice(
    0,
    life.findIndex((fact) => fact.type === "pod.exited"),
  );
  const state = stateOf(untilLastExit);
  t.equal(state.exitStatus, undefined);
  const whole = stateOf(life.slice(0, untilLastExit.length + 1));
  t.match(withExits(state, []), { status: "exited", exitStatus: whole.exitStatus });
});

t.test("one of two that ended is shown, the pod runs on", async (t) => {
  const state = withExits(stateOf(RUNNING), [line(101, 5, 40)]);
  t.match(state, { status: "running", containers: [{ status: "running" }, { status: "exited", exit: { code: 5 } }] });
  t.equal(state.exitStatus, undefined);
});

t.test("when all have ended the pod has its result", async (t) => {
  const state = withExits(stateOf(RUNNING), [line(101, 5, 0), line(100, 0, 40)]);
  t.match(state, { status: "exited", exitStatus: 5, exitedAt: exitedWith(0).time });
});

t.test("a line from before the container was created belongs to another process of that number", async (t) => {
  const facts = RUNNING.map((fact) => (fact.type === "container.creating" ? { ...fact, exitsOffset: 80 } : fact));
  t.equal(withExits(stateOf(facts), [line(100, 1, 40)]).containers[0]?.status, "running");
  const exits = [line(100, 1, 40), line(100, 2, 160), line(100, 3, 80)];
  t.match(withExits(stateOf(facts), exits).containers[0]?.exit, { code: 3 }, "the first at or after it");
});

t.test("an exit that the journal knows is not told anew", async (t) => {
  const facts: Fact[] = [...RUNNING, { type: "container.exited", container: WEB, exit: exitedWith(7) }];
  t.match(withExits(stateOf(facts), [line(100, 1, 0)]).containers[0]?.exit, { code: 7 });
});

t.test("a pod that failed or is going says so all the same", async (t) => {
  const failed: Fact = { type: "pod.failed", error: { code: "RUNTIME_FAILED", message: "no" } };
  const state = withExits(stateOf([...RUNNING, failed]), [line(100, 1, 0), line(101, 0, 40)]);
  t.match(state, { status: "failed", exitStatus: 1 });
});
