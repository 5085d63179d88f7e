// What is done next is a question to data: each case is a plan, a story so far, a time, and the answer.

import t from "tap";
import type { ContainerName } from "../../../src/base/names.ts";
import { decideMoves, isFinal, type Move } from "../../../src/engine/next-moves.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import type { Event, Fact } from "../../../src/state/event.ts";
import { foldEvents } from "../../../src/state/fold.ts";
import { makeOutlines } from "../../../src/state/outline.ts";
import { aPlan, type PodWords } from "../../support/planning.ts";

const START_MS = Date.UTC(2026, 0, 1);
const at = (seconds: number) => new Date(START_MS + seconds * 1000).toISOString();

/** A fact and when it came true, in seconds. */
type Told = readonly [seconds: number, fact: Fact];

const INIT = (name: string, more: object = {}) => ({ name, image: "rootfs:./rootfs", command: ["true"], ...more });
const name = (text: string) => text as ContainerName;

function lives(container: string, second: number, attempt = 0): Told[] {
  const life = attempt === 0 ? {} : { attempt, restarts: attempt };
  return [
    [second, { type: "container.creating", container: name(container), exitsOffset: 0, ...life }],
    [second, { type: "container.created", container: name(container), pid: 7, startTime: 1 }],
    [second, { type: "container.started", container: name(container) }],
  ];
}

const ended = (container: string, second: number, code: number): Told => [
  second,
  { type: "container.exited", container: name(container), exit: { kind: "exited", code, time: at(second) } },
];

const UP: Told[] = [
  [0, { type: "pod.planned" }],
  [0, { type: "pod.wanted", want: "running", request: "r" }],
];
const STARTED: Told[] = [
  [0, { type: "pod.created" }],
  [0, { type: "pod.started" }],
];

function ask(words: PodWords, told: readonly Told[], nowSeconds: number) {
  const plan = aPlan(words);
  const events = told.map(
    ([seconds, fact], index) => ({ seq: index + 1, time: at(seconds), pod: plan.pod, ...fact }) as Event,
  );
  const state = foldEvents(plan.pod, makeOutlines(plan.containers), events);
  const { moves, wakeAtMs } = decideMoves(plan, state, START_MS + nowSeconds * 1000);
  return { moves: moves.map(say), wakeAt: wakeAtMs === undefined ? undefined : (wakeAtMs - START_MS) / 1000 };
}

function say(move: Move): string {
  switch (move.do) {
    case "note":
      return move.fact.type === "pod.exited" ? `pod.exited ${move.fact.status}` : move.fact.type;
    case "end":
      return `end ${move.containers} by ${(move.byMs - START_MS) / 1000}`;
    case "restart":
      return `restart ${move.containers} as ${move.attempt} after ${move.restarts}`;
    default:
      return `${move.do} ${move.containers.join(",")}`;
  }
}

const ORDERED: PodWords = {
  containers: ["web", "db"],
  spec: {
    restartPolicy: "Always",
    initContainers: [INIT("first"), INIT("proxy", { restartPolicy: "Always" }), INIT("second")],
  },
};

t.test("the way up, container by container", async (t) => {
  const first = [...UP, ...lives("first", 0), ...STARTED];
  t.same(ask(ORDERED, first, 1).moves, [], "the first init container runs");
  const proxy = [...first, ended("first", 1, 0)];
  t.same(ask(ORDERED, proxy, 1).moves, ["make proxy"]);
  const second = [...proxy, ...lives("proxy", 1)];
  t.same(ask(ORDERED, second, 1).moves, ["make second"], "a sidecar need only have started");
  const through = [...second, ...lives("second", 1), ended("second", 2, 0)];
  t.same(ask(ORDERED, through, 2).moves, ["pod.initialized", "make web,db"]);
});

t.test("a sidecar that ends before its time holds up what follows, one that ends later does not", async (t) => {
  const told = [
    ...UP,
    ...lives("first", 0),
    ...STARTED,
    ended("first", 1, 0),
    ...lives("proxy", 1),
    ended("proxy", 2, 1),
  ];
  t.same(ask(ORDERED, told, 2).moves, ["restart proxy as 1 after 1"]);
  const later: Told[] = [
    ...told.slice(0, -1),
    ...lives("second", 1),
    ended("second", 2, 0),
    [2, { type: "pod.initialized" }],
    ...lives("web", 2),
    ...lives("db", 2),
    ended("proxy", 3, 1),
  ];
  t.same(ask(ORDERED, later, 3).moves, ["restart proxy as 1 after 1"]);
});

t.test("an init container that fails: again, or the end of all", async (t) => {
  const told = [...UP, ...lives("first", 0), ...STARTED, ended("first", 1, 7)];
  t.same(ask(ORDERED, told, 1).moves, ["restart first as 1 after 1"]);
  const never = { ...ORDERED, spec: { ...ORDERED.spec, restartPolicy: "Never" } };
  t.same(ask(never, told, 1).moves, ["pod.exited 7"]);
});

t.test("the kubelet's back-off, and its end", async (t) => {
  const words: PodWords = { containers: ["web"], spec: { restartPolicy: "Always" } };
  const told = [...UP, ...lives("web", 0), ...STARTED, ended("web", 1, 1)];
  t.same(ask(words, told, 1), { moves: ["restart web as 1 after 1"], wakeAt: undefined }, "the first at once");
  const deleted: Told = [1, { type: "container.deleted", container: name("web") }];
  const twice = [...told, deleted, ...lives("web", 1, 1), ended("web", 2, 1)];
  t.same(ask(words, twice, 2), { moves: ["container.backing-off"], wakeAt: 12 });
  const waiting: Told[] = [...twice, [2, { type: "container.backing-off", container: name("web"), until: at(12) }]];
  t.same(ask(words, waiting, 5), { moves: [], wakeAt: 12 }, "told once");
  t.same(ask(words, waiting, 12).moves, ["restart web as 2 after 2"]);
  const long = [...told, deleted, ...lives("web", 1, 1), ended("web", 602, 1)];
  t.same(ask(words, long, 602).moves, ["restart web as 2 after 1"], "who ran ten minutes begins anew");
});

t.test("the way down: main containers, then sidecars in reverse, then the result", async (t) => {
  const words: PodWords = {
    containers: ["web", "db"],
    spec: {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 5,
      initContainers: ["outer", "inner"].map((one) => INIT(one, { restartPolicy: "Always" })),
    },
  };
  const up: Told[] = [
    ...UP,
    ...lives("outer", 0),
    ...STARTED,
    ...["inner", "web", "db"].flatMap((one) => lives(one, 0)),
    [0, { type: "pod.initialized" }],
    [9, { type: "pod.wanted", want: "stopped", request: "s" }],
  ];
  t.same(ask(words, up, 9).moves, ["end web by 14", "end db by 14"]);
  const web = [...up, ended("web", 10, 143)];
  t.same(ask(words, web, 10).moves, ["end db by 14"], "and nobody is started again");
  const inner = [...web, ended("db", 10, 0)];
  t.same(ask(words, inner, 10).moves, ["end inner by 14"]);
  const outer = [...inner, ended("inner", 11, 0)];
  t.same(ask(words, outer, 11).moves, ["end outer by 14"]);
  t.same(ask(words, [...outer, ended("outer", 12, 1)], 12).moves, ["pod.exited 143"], "sidecars have no part in it");
});

t.test(
  "of several who ask for the end the most hasty one counts, and none of them takes the time of another",
  async (t) => {
    const words: PodWords = {
      containers: ["web"],
      spec: { terminationGracePeriodSeconds: 5, initContainers: [INIT("proxy", { restartPolicy: "Always" })] },
    };
    const wants = (second: number, want: "stopped" | "restarted", graceSeconds: number): Told => [
      second,
      { type: "pod.wanted", want, request: `at ${second}`, graceMs: graceSeconds * 1000 },
    ];
    const up: Told[] = [...UP, ...lives("proxy", 0), ...STARTED, ...lives("web", 0), [0, { type: "pod.initialized" }]];
    const stopped = [...up, wants(9, "stopped", 30), ended("web", 11, 0), wants(12, "stopped", 20)];
    t.same(ask(words, stopped, 12).moves, ["end proxy by 32"], "that web ended was no end of the pod's own");
    t.same(
      ask(words, [...up, ended("web", 8, 0), wants(9, "stopped", 30)], 9).moves,
      ["end proxy by 13"],
      "here it was",
    );
    const expired: Told[] = [...up, [20, { type: "pod.expired" }], wants(21, "stopped", 60)];
    t.same(ask(words, expired, 21).moves, ["end web by 25"]);
    const unhealthy: Fact = {
      type: "container.unhealthy",
      container: name("web"),
      cause: "liveness",
      message: "",
      endBy: at(30),
    };
    t.same(ask(words, [...up, [8, unhealthy], wants(9, "stopped", 60)], 9).moves, ["end web by 30"]);
  },
);

t.test("a deadline is told, and then is the way down", async (t) => {
  const words: PodWords = { containers: ["web"], spec: { restartPolicy: "Always", activeDeadlineSeconds: 60 } };
  const up = [...UP, ...lives("web", 0), ...STARTED];
  t.same(ask(words, up, 1), { moves: [], wakeAt: 60 });
  t.same(ask(words, up, 60).moves, ["pod.expired"]);
  t.same(ask(words, [...up, [60, { type: "pod.expired" }]], 60).moves, ["end web by 90"]);
});

t.test("what a supervisor that was killed left half done is taken up", async (t) => {
  const words: PodWords = { containers: ["web"], spec: { restartPolicy: "Always" } };
  const [creating, created] = lives("web", 2, 1) as [Told, Told, Told];
  const told: Told[] = [
    ...UP,
    ...lives("web", 0),
    ...STARTED,
    ended("web", 1, 1),
    [1, { type: "container.deleted", container: name("web") }],
  ];
  t.same(ask(words, told, 1).moves, ["restart web as 1 after 1"], "deleted, and not made");
  t.same(ask(words, [...told, creating], 2).moves, ["restart web as 1 after 1"], "the same attempt again");
  t.same(ask(words, [...told, creating, created], 2).moves, ["start web"]);
  const stopped: Told = [3, { type: "pod.wanted", want: "stopped", request: "s" }];
  t.same(ask(words, [...told, creating, stopped], 3).moves, ["discard web"]);
});

t.test("nothing is done with a pod that is paused, has ended, or is to be deleted", async (t) => {
  const up = [...UP, ...lives("web", 0), ...STARTED, ended("web", 1, 1)];
  const words: PodWords = { containers: ["web"], spec: { restartPolicy: "Always" } };
  for (const fact of [
    { type: "pod.paused" },
    { type: "pod.exited", status: 1 },
    { type: "pod.wanted", want: "deleted", request: "d" },
  ] as const)
    t.same(ask(words, [...up, [2, fact]], 3).moves, [], fact.type);
});

t.test("which end is the last", async (t) => {
  const codes = [{ operator: "In", values: [42] }] as const;
  const plan: Plan = aPlan({
    containers: {
      never: { restartPolicy: "Never" },
      failure: { restartPolicy: "OnFailure" },
      rule: { restartPolicy: "Never", restartPolicyRules: [{ action: "Restart", exitCodes: codes[0] }] },
    },
    spec: { restartPolicy: "Always", initContainers: [INIT("init")] },
  });
  const isLast = (container: string, code: number) => {
    const events = [...UP, ...lives(container, 0), ended(container, 1, code)].map(
      ([seconds, fact], index) => ({ seq: index + 1, time: at(seconds), pod: plan.pod, ...fact }) as Event,
    );
    const { containers } = foldEvents(plan.pod, makeOutlines(plan.containers), events);
    const own = containers.find((one) => one.name === container);
    return own !== undefined && isFinal(plan, own);
  };
  t.ok(isLast("never", 1));
  t.ok(isLast("failure", 0));
  t.notOk(isLast("failure", 1));
  t.ok(isLast("rule", 1));
  t.notOk(isLast("rule", 42));
  t.ok(isLast("init", 0), "an init container that ended with 0 has done its work");
  t.notOk(isLast("init", 1));
});
