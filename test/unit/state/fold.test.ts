// Events add up to the state that people are told.

import fc from "fast-check";
import t from "tap";
import { PAUSE } from "../../../src/base/names.ts";
import type { Exit } from "../../../src/exits/exit.ts";
import type { Fact } from "../../../src/state/event.ts";
import { applyEvent, exitStatusOf, foldEvents } from "../../../src/state/fold.ts";
import { makeBareOutline } from "../../../src/state/outline.ts";
import type { PodStatus } from "../../../src/state/pod-state.ts";
import { anOrdinaryLife, exitedWith, POD, SIDECAR, stamp, WEB, walk } from "../../support/journals.ts";

const TIME = "2026-01-01T00:00:00.000000000Z";
const CONTAINERS = [WEB, SIDECAR].map(makeBareOutline);
const PAUSED = makeBareOutline(PAUSE);
const fold = (facts: readonly Fact[]) => foldEvents(POD, CONTAINERS, stamp(facts));
const upTo = (type: Fact["type"]): Fact[] => {
  const life = anOrdinaryLife();
  return life.slice(0, life.findLastIndex((fact) => fact.type === type) + 1);
};

t.test("the pod's status is the gravest of what holds", async (t) => {
  const failed: Fact = { type: "pod.failed", error: { code: "RUNTIME_FAILED", message: "no" } };
  const wanted = (want: "stopped" | "deleted"): Fact => ({ type: "pod.wanted", want, request: want });
  const cases: [name: string, facts: Fact[], status: PodStatus][] = [
    ["nothing yet", [], "creating"],
    ["planned", upTo("pod.planned"), "creating"],
    ["some containers created", upTo("container.created"), "creating"],
    ["created", upTo("pod.created"), "created"],
    ["containers started, the pod not yet", upTo("container.started"), "created"],
    ["started", upTo("pod.started"), "running"],
    ["paused", [...upTo("pod.started"), { type: "pod.paused" }], "paused"],
    ["resumed", [...upTo("pod.started"), { type: "pod.paused" }, { type: "pod.resumed" }], "running"],
    ["told to stop", [...upTo("pod.started"), wanted("stopped")], "stopping"],
    ["ended", upTo("pod.exited"), "exited"],
    ["failed", [...upTo("pod.started"), failed], "failed"],
    ["failed, and its containers ended", [...upTo("pod.started"), failed, upTo("pod.exited").at(-1) as Fact], "failed"],
    ["failed, then told to go", [...upTo("pod.started"), failed, wanted("deleted")], "deleting"],
    ["told to go, which failed", [...upTo("pod.started"), wanted("deleted"), failed], "failed"],
    ["gone", anOrdinaryLife(), "deleting"],
  ];
  for (const [name, facts, status] of cases) t.equal(fold(facts).status, status, name);
});

t.test("a container is told with its process, times and exit", async (t) => {
  const web = fold(upTo("pod.exited")).containers[0];
  t.match(web, { name: "web", status: "exited", pid: 100, startTime: 5000, exit: { code: 0 }, exitsOffset: 0 });
  t.ok((web?.createdAt ?? "") < (web?.startedAt ?? ""));
});

t.test("a create that failed leaves a container as if nobody had tried", async (t) => {
  const facts: Fact[] = [
    { type: "pod.planned" },
    { type: "container.creating", container: WEB, exitsOffset: 7 },
    { type: "container.deleted", container: WEB },
  ];
  t.same(fold(facts).containers, fold([]).containers);
});

t.test("the pod's result is the first that is not 0, in manifest order", async (t) => {
  const killed: Exit = { kind: "killed", signal: 9, time: TIME };
  const lost: Exit = { kind: "lost", time: TIME };
  const cases: [Exit | undefined, Exit | undefined, number | undefined][] = [
    [exitedWith(0), exitedWith(0), 0],
    [exitedWith(0), exitedWith(3), 3],
    [exitedWith(4), exitedWith(3), 4],
    [killed, exitedWith(3), 137],
    [lost, exitedWith(0), 255],
    [exitedWith(0), lost, 255],
    [exitedWith(2), undefined, undefined],
    [undefined, undefined, undefined],
  ];
  for (const [web, sidecar, status] of cases) {
    const facts = upTo("pod.started");
    if (sidecar) facts.push({ type: "container.exited", container: SIDECAR, exit: sidecar });
    if (web) facts.push({ type: "container.exited", container: WEB, exit: web });
    t.equal(exitStatusOf(fold(facts)), status, `${web?.kind} and ${sidecar?.kind}`);
  }
});

t.test("the first process of a shared pid namespace has no part in the result", async (t) => {
  const facts: Fact[] = [...upTo("pod.exited")];
  t.equal(exitStatusOf(foldEvents(POD, [PAUSED, ...CONTAINERS], stamp(facts))), 0);
});

t.test("folding in two parts is folding in one", async (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { maxLength: 40 }), fc.nat(), (choices, where) => {
      const { events } = walk([PAUSE, WEB, SIDECAR], choices);
      const cut = where % (events.length + 1);
      const first = foldEvents(POD, [PAUSED, ...CONTAINERS], events.slice(0, cut));
      t.same(events.slice(cut).reduce(applyEvent, first), foldEvents(POD, [PAUSED, ...CONTAINERS], events));
    }),
    { numRuns: 100 },
  );
});

t.test("a restarted pod is as it was created, but for what its containers have behind them", async (t) => {
  const before = upTo("pod.exited");
  const deleted = [WEB, SIDECAR].map((container): Fact => ({ type: "container.deleted", container }));
  const state = fold([...before, { type: "pod.wanted", want: "restarted", request: "r3" }, ...deleted]);
  t.match(state, { status: "exited", want: "restarted" });
  const again = fold([
    ...before,
    { type: "pod.wanted", want: "restarted", request: "r3" },
    ...deleted,
    { type: "pod.restarted" },
  ]);
  t.match(again, {
    status: "created",
    want: "running",
    phase: "Pending",
    startedAt: undefined,
    exitedAt: undefined,
    exitStatus: undefined,
    containers: [{ status: "planned", attempt: 1, exit: undefined, last: { exit: { code: 0 } } }, {}],
  });
});

t.test("members come and go; who stays keeps what is known of him", async (t) => {
  const up = upTo("pod.started");
  const deleted: Fact[] = [
    { type: "container.exited", container: WEB, exit: exitedWith(0) },
    { type: "container.deleted", container: WEB },
  ];
  const changing: Fact = { type: "pod.changing", request: "r", leaving: [WEB], endBy: "2026-01-01T00:00:09.000Z" };
  t.match(fold([...up, changing]), { changing: "r", containers: [{ leaveBy: "2026-01-01T00:00:09.000Z" }, {}] });
  const change = (names: readonly (typeof WEB)[], fresh: readonly (typeof WEB)[]): Fact => ({
    type: "pod.changed",
    request: "r",
    containers: names.map(makeBareOutline),
    fresh,
  });
  const came = "came" as typeof WEB;
  t.match(fold([...up, changing, ...deleted, change([came, SIDECAR], [came])]), {
    changing: undefined,
    containers: [
      { name: "came", status: "planned", attempt: 0 },
      { name: "sidecar", status: "running", pid: 101 },
    ],
  });
  const [web] = fold([...up, changing, ...deleted, change([WEB, SIDECAR], [WEB])]).containers;
  t.match(web, { status: "deleted", leaveBy: undefined, exit: { code: 0 } });
  t.type(web?.restartBy, "string", "it is to be started again at once");
});
