// The checker finds every story that cannot have happened, and no fault in one that can.

import fc from "fast-check";
import t from "tap";
import { PAUSE } from "../../../src/base/names.ts";
import type { Event, Fact } from "../../../src/state/event.ts";
import { verifyEvents } from "../../../src/state/verify.ts";
import { anOrdinaryLife, SIDECAR, stamp, WEB, walk } from "../../support/journals.ts";

/** Facts without which the story is still one that can have happened. */
const HARMLESS = [
  "pod.wanted",
  "container.signalled",
  "container.io-restarted",
  "container.log-blocked",
  "container.log-resumed",
  "pod.recovered",
  "pod.degraded",
];

/** Neighbours that may as well come the other way round. */
const FREE_ORDER = ["pod.created container.started", "pod.started container.exited"];

const rulesOf = (facts: readonly Fact[], complete = true): string[] =>
  verifyEvents(stamp(facts), { complete }).map(({ message }) => message);

t.test("an ordinary life is found to be in order", async (t) => {
  t.same(rulesOf(anOrdinaryLife()), []);
});

t.test("so is every beginning of one, as long as nobody says that it is complete", async (t) => {
  const facts = anOrdinaryLife();
  for (let length = 0; length < facts.length; length++) {
    t.same(rulesOf(facts.slice(0, length), false), [], `the first ${length} events`);
    t.match(rulesOf(facts.slice(0, length)), ["the pod: was never deleted"], `${length} events are not all`);
  }
});

const RESTARTED: Fact[] = [
  ...anOrdinaryLife([WEB]).slice(0, -3),
  { type: "pod.wanted", want: "restarted", request: "r3" },
  { type: "container.deleted", container: WEB },
  { type: "pod.restarted" },
  { type: "container.creating", container: WEB, exitsOffset: 0, attempt: 1, restarts: 0 },
  { type: "container.created", container: WEB, pid: 200, startTime: 5000 },
  { type: "container.started", container: WEB },
  { type: "pod.started" },
];

t.test("a pod that was restarted starts and ends once more, and only then", async (t) => {
  t.same(rulesOf(RESTARTED, false), []);
  const without = (type: Fact["type"]) => RESTARTED.filter((fact) => fact.type !== type);
  t.match(rulesOf(without("pod.restarted"), false), ["pod.started: comes twice"]);
  t.match(rulesOf(without("pod.exited"), false).join(), /pod.restarted: comes before pod.exited/);
  t.match(rulesOf(without("container.deleted"), false).join(), /pod.restarted: comes before container web was deleted/);
});

t.test("a pod that is checkpointed names who runs, and tells nothing of them until it is restored", async (t) => {
  const up = anOrdinaryLife().slice(0, 10);
  const away: Fact = { type: "pod.checkpointed", request: "c1", containers: [WEB, SIDECAR] };
  const back = (...names: (typeof WEB)[]): Fact => ({
    type: "pod.restored",
    request: "c2",
    containers: names.map((name) => ({ name, pid: 200, startTime: 7000, exitsOffset: 0 })),
  });
  const exited = anOrdinaryLife().find(({ type }) => type === "container.exited") as Fact;
  const deleted = (container: typeof WEB): Fact => ({ type: "container.deleted", container });
  t.same(rulesOf([...up, away, back(WEB, SIDECAR), exited], false), []);
  t.same(rulesOf([...up, away, deleted(WEB), deleted(SIDECAR), { type: "pod.deleted" }]), [], "nobody wants it back");
  t.same(rulesOf([...up, { ...away, containers: [] }, exited], false), [], "a copy ends nobody");
  t.match(rulesOf([...up, away, exited], false), ["container.exited: comes while the pod is checkpointed"]);
  t.match(rulesOf([...up, away, away], false), ["pod.checkpointed: comes while the pod is checkpointed"]);
  t.match(rulesOf([...up, away, back(WEB)], false), ["pod.restored: container sidecar was checkpointed"]);
  t.match(rulesOf([...up, { ...away, containers: [WEB] }], false), [/leaves out container sidecar/]);
  t.match(rulesOf([...up, exited, away], false), [/names container web, which is not so/]);
  t.match(rulesOf([...up, back()], false), ["pod.restored: comes while it is not checkpointed"]);
  t.match(rulesOf([...up, deleted(WEB)], false), [/deleted before it ended/]);
});

t.test("members that leave are gone before others take their place", async (t) => {
  const outline = { name: SIDECAR, role: "main", awaits: [] } as const;
  const changed: Fact = { type: "pod.changed", request: "r3", containers: [outline], fresh: [] };
  const gone: Fact[] = [
    { type: "container.exited", container: WEB, exit: { kind: "exited", code: 0, time: "2026-01-01T00:00:00.0Z" } },
    { type: "container.deleted", container: WEB },
  ];
  const up = anOrdinaryLife().slice(0, 10);
  const changing: Fact = { type: "pod.changing", request: "r3", leaving: [WEB], endBy: "2026-01-01T00:00:01.000Z" };
  const again: Fact = { type: "container.creating", container: WEB, exitsOffset: 0 };
  t.same(rulesOf([...up, changing, ...gone, changed, again], false), [], "and the name is free then");
  t.match(rulesOf([...up, changing, changed], false), ["pod.changed: comes before container web was deleted"]);
  t.match(rulesOf([...up, ...gone, changed], false), ["pod.changed: comes before pod.changing"]);
  t.match(rulesOf([...up, changing, changing], false), ["pod.changing: comes while it is changing already"]);
});

t.test("whatever the table of transitions allows is in order", async (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { maxLength: 60 }), (choices) => {
      for (const early of [[], [SIDECAR]]) {
        const { events } = walk([PAUSE, ...early, WEB], choices, early);
        t.same(verifyEvents(events, { complete: true }), []);
      }
    }),
    { numRuns: 300 },
  );
});

t.test("an event that is dropped, told twice or told too late is found, also when the numbers hide it", async (t) => {
  const facts = anOrdinaryLife();
  for (const [index, fact] of facts.entries()) {
    if (HARMLESS.includes(fact.type)) continue;
    const name = `${fact.type} of ${"container" in fact ? fact.container : "the pod"}`;
    const dropped = facts.toSpliced(index, 1);
    // The pod's own milestones may be missing when a pod failed half-way, its containers' may not.
    const mayBeMissing = ["pod.started", "pod.exited"].includes(fact.type);
    if (!mayBeMissing) t.not(rulesOf(dropped).length, 0, `${name} dropped`);
    if (fact.type !== "container.creating") t.not(rulesOf(facts.toSpliced(index, 0, fact)).length, 0, `${name} twice`);
    if (fact.type !== "pod.deleted") t.not(rulesOf([...dropped, fact]).length, 0, `${name} at the end`);
  }
});

t.test("a swap of two neighbours is found where the order tells something", async (t) => {
  const facts = anOrdinaryLife([WEB]);
  for (let index = 0; index + 1 < facts.length; index++) {
    const pair = [facts[index], facts[index + 1]] as [Fact, Fact];
    if (pair.some((fact) => fact.type === "pod.wanted") && index > 0) continue;
    if (FREE_ORDER.includes(pair.map((fact) => fact.type).join(" "))) continue;
    const swapped = facts.toSpliced(index, 2, pair[1], pair[0]);
    t.not(rulesOf(swapped).length, 0, `${pair[0].type} and ${pair[1].type}`);
  }
});

t.test("a gap in the numbers is found wherever it is", async (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 5, maxLength: 40 }), fc.nat(), (choices, which) => {
      const { events } = walk([WEB], choices);
      const index = which % (events.length - 1);
      const violations = verifyEvents(events.toSpliced(index, 1));
      t.ok(violations.some((violation) => violation.rule === "numbering"));
    }),
    { numRuns: 100 },
  );
});

t.test("time that runs backwards is found, time that stands still is not", async (t) => {
  const events = stamp(anOrdinaryLife());
  const still = events.map((event) => ({ ...event, time: "2026-01-01T00:00:00.000Z" })) as Event[];
  t.same(verifyEvents(still), []);
  const back = still.with(3, { ...(still[3] as Event), time: "2025-12-31T23:59:59.999Z" });
  t.match(verifyEvents(back), [{ seq: 4, rule: "time" }]);
  const none = still.with(3, { ...(still[3] as Event), time: "yesterday" });
  t.match(verifyEvents(none)[0], { seq: 4, rule: "time" });
});

t.test("each impossible story is named for what is wrong with it", async (t) => {
  const life = anOrdinaryLife([WEB]);
  const cases: [name: string, facts: Fact[], expected: RegExp][] = [
    ["paused twice", insertAfter(life, "pod.started", ["pod.paused", "pod.paused"]), /paused twice/],
    ["resumed without a pause", insertAfter(life, "pod.started", ["pod.resumed"]), /resumed, not paused/],
    ["paused before it started", insertAfter(life, "pod.created", ["pod.paused", "pod.resumed"]), /before pod.started/],
    ["something after the end", [...life, { type: "pod.recovered" }], /after pod.deleted/],
    ["an exit of nobody", life.filter((fact) => fact.type !== "container.created"), /ended before it was created/],
    ["deleted alive", life.filter((fact) => fact.type !== "container.exited"), /deleted before it ended/],
  ];
  for (const [name, facts, expected] of cases) t.match(rulesOf(facts).join("\n"), expected, name);
});

t.test("a create that failed and was tried again is in order, also when it failed for good", async (t) => {
  const life = anOrdinaryLife([WEB]);
  const failed: Fact[] = [
    { type: "container.creating", container: WEB, exitsOffset: 0 },
    { type: "container.deleted", container: WEB },
  ];
  t.same(rulesOf(life.toSpliced(2, 0, ...failed)), []);
  const forGood: Fact[] = [{ type: "pod.planned" }, ...failed, { type: "pod.deleted" }];
  t.same(rulesOf(forGood), []);
});

function insertAfter(facts: Fact[], after: Fact["type"], types: ("pod.paused" | "pod.resumed")[]): Fact[] {
  const index = facts.findIndex((fact) => fact.type === after) + 1;
  return facts.toSpliced(index, 0, ...types.map((type): Fact => ({ type })));
}
