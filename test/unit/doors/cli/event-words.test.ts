import t from "tap";
import type { ContainerName, PodName } from "../../../../src/base/names.ts";
import { makeEventTeller } from "../../../../src/doors/cli/event-words.ts";
import type { Event, Fact } from "../../../../src/state/event.ts";

const WEB = { container: "web" as ContainerName };
const TIME = "2026-11-22T10:00:00.000Z";
const LATER = "2026-11-22T10:00:02.500Z";
const ERROR = { code: "RUNTIME_FAILED", message: "container web: no such file" } as const;
const REQUEST = { request: "r1" };

/** In words; `! ` before what went wrong, null for what is not told. */
function tell(facts: readonly Fact[]): (string | null)[] {
  const teller = makeEventTeller();
  return facts.map((fact, i) => {
    const told = teller({ seq: i + 1, time: TIME, pod: "shop" as PodName, ...fact } as Event);
    return told === undefined ? null : `${told.isBad ? "! " : ""}${told.words}`;
  });
}

t.test("a container's life is told without what only programs need", (t) => {
  const life: [Fact, string | null][] = [
    [{ type: "pod.planned" }, null],
    [{ type: "pod.wanted", want: "running", ...REQUEST }, "asked to run"],
    [{ type: "container.creating", ...WEB, exitsOffset: 0 }, null],
    [{ type: "container.created", ...WEB, pid: 7, startTime: 99 }, null],
    [{ type: "container.started", ...WEB }, "started, pid 7"],
    [{ type: "pod.created" }, null],
    [{ type: "pod.started" }, "started"],
    [{ type: "container.exited", ...WEB, exit: { kind: "exited", code: 3, time: TIME } }, "! exited with 3"],
    [{ type: "container.deleted", ...WEB }, null],
    [{ type: "container.creating", ...WEB, exitsOffset: 72, attempt: 2, restarts: 1 }, null],
    [{ type: "container.created", ...WEB, pid: 9, startTime: 120 }, null],
    [{ type: "container.started", ...WEB }, "started again, restart 2, pid 9"],
    [{ type: "pod.wanted", want: "deleted", force: true, ...REQUEST }, "asked to be deleted, by force"],
    [{ type: "pod.deleted" }, "deleted"],
  ];
  t.same(
    tell(life.map(([fact]) => fact)),
    life.map(([, words]) => words),
  );
  t.end();
});

t.test("of a pod that is only created so much is told, and of one that was heard of late", (t) => {
  t.same(
    tell([
      { type: "pod.wanted", want: "created", ...REQUEST },
      { type: "container.creating", ...WEB, exitsOffset: 0 },
      { type: "container.created", ...WEB, pid: 7, startTime: 99 },
      { type: "pod.created" },
    ]),
    ["asked to be created", null, "created, pid 7", "created"],
  );
  t.same(tell([{ type: "container.started", ...WEB }]), ["started"]);
  t.end();
});

t.test("each says why", (t) => {
  const table: [Fact, string][] = [
    [{ type: "pod.wanted", want: "stopped", graceMs: 3000, ...REQUEST }, "asked to stop, has 3 s"],
    [{ type: "pod.wanted", want: "stopped", graceMs: 9, signal: "TERM", ...REQUEST }, "asked to stop by SIGTERM"],
    [{ type: "pod.wanted", want: "restarted", graceMs: 500, ...REQUEST }, "asked to restart, has 0.5 s"],
    [{ type: "pod.wanted", want: "deleted", ...REQUEST }, "asked to be deleted"],
    [{ type: "pod.exited", status: 3 }, "! ended, result 3"],
    [{ type: "pod.exited", status: 0 }, "ended, result 0"],
    [{ type: "pod.failed", error: ERROR }, "! failed: container web: no such file"],
    [{ type: "pod.degraded", reason: "its reaper died" }, "! degraded: its reaper died"],
    [
      { type: "pod.changing", leaving: [WEB.container], endBy: LATER, ...REQUEST },
      "becomes what another manifest says; web must go",
    ],
    [{ type: "pod.changed", containers: [], fresh: [WEB.container], ...REQUEST }, "is changed; web must be started"],
    [
      { type: "container.updated", ...WEB, resources: { memoryLimitBytes: 67_108_864, pidsLimit: -1 } },
      "limits changed: memory 64MiB, processes unlimited",
    ],
    [{ type: "container.signalled", ...WEB, signal: "TERM" }, "was sent SIGTERM"],
    [{ type: "container.signalled", ...WEB, signal: "SIGHUP" }, "was sent SIGHUP"],
    [{ type: "container.signalled", ...WEB, signal: "9" }, "was sent signal 9"],
    [{ type: "container.start-failed", ...WEB, error: ERROR }, "! could not be started: container web: no such file"],
    [{ type: "container.unready", ...WEB, message: "exit status 1" }, "! not ready: exit status 1"],
    [
      { type: "container.unhealthy", ...WEB, cause: "liveness", message: "timed out", endBy: LATER },
      "! liveness probe failed: timed out; has 2.5 s to end",
    ],
    [
      { type: "container.unhealthy", ...WEB, cause: "postStart", message: "exit status 1", endBy: TIME },
      "! postStart hook failed: exit status 1; has 0 s to end",
    ],
    [
      { type: "container.exited", ...WEB, exit: { kind: "killed", signal: 9, time: TIME }, reason: "OOMKilled" },
      "! killed by signal 9: ran out of memory",
    ],
    [{ type: "container.exited", ...WEB, exit: { kind: "exited", code: 0, time: TIME } }, "exited with 0"],
    [{ type: "container.restarting", ...WEB, endBy: LATER, ...REQUEST }, "asked to restart, has 2.5 s to end"],
    [
      { type: "container.backing-off", ...WEB, until: "2026-11-22T10:00:10.000Z" },
      "! ended too soon again, waits 10 s to be started again",
    ],
    [{ type: "container.log-blocked", ...WEB, reason: "ENOSPC" }, "! its log cannot be written: ENOSPC"],
    [
      { type: "container.log-resumed", ...WEB, lostLines: 3, lostBytes: 90 },
      "its log is written again; lost are 3 lines, 90 bytes",
    ],
  ];
  for (const [fact, words] of table) t.same(tell([fact]), [words], words);
  t.end();
});
