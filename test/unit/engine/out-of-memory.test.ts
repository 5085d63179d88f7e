import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { PodContext } from "../../../src/engine/context.ts";
import { judgeExit } from "../../../src/engine/out-of-memory.ts";
import type { Exit } from "../../../src/exits/exit.ts";
import type { PlannedContainer } from "../../../src/plan/plan.ts";

const time = "2026-01-01T00:00:00.000000000Z";
const KILLED: Exit = { kind: "killed", signal: 9, time };
const FAILED: Exit = { kind: "exited", code: 1, time };
const WELL: Exit = { kind: "exited", code: 0, time };

/** A pod `/pod` with a container `/pod/web` on version 2, as far as is asked for here. */
function aPod(dir: string, driver: "cgroupfs" | "systemd") {
  const pod = {
    plan: { sandbox: { cgroup: { driver, path: "/pod" } }, paths: { dir } },
    facts: { cgroupLayout: "v2", cgroupMounts: { unified: dir } },
  } as unknown as PodContext;
  const web = { cgroupPath: "/pod/web" } as PlannedContainer;
  const tell = (where: string, kills: number) => {
    mkdirSync(join(dir, where), { recursive: true });
    writeFileSync(join(dir, where, "memory.events"), `oom 7\noom_kill ${kills}\n`);
  };
  return { judge: (exit: Exit) => judgeExit(pod, web, exit), tell };
}

t.test("a container's own cgroup tells, unless it ended well", async (t) => {
  for (const driver of ["cgroupfs", "systemd"] as const) {
    const { judge, tell } = aPod(t.testdir(), driver);
    tell("pod", 5);
    tell("pod/web", 0);
    t.equal(judge(KILLED).isOutOfMemory, false);
    tell("pod/web", 1);
    t.equal(judge(FAILED).isOutOfMemory, true);
    t.equal(judge(WELL).isOutOfMemory, false);
  }
});

t.test("where systemd took it away the pod's tells, and each kill once", async (t) => {
  const dir = t.testdir();
  const { judge, tell } = aPod(dir, "systemd");
  tell("pod", 1);
  t.equal(judge(FAILED).isOutOfMemory, false, "who ended by itself was not killed");
  const first = judge(KILLED);
  t.equal(first.isOutOfMemory, true);
  t.equal(judge(KILLED).isOutOfMemory, true, "until it is written down");
  first.note();
  t.equal(readFileSync(join(dir, "oom-kills"), "utf8"), "1");
  t.equal(judge(KILLED).isOutOfMemory, false, "somebody else's signal");
  tell("pod", 2);
  t.equal(judge(KILLED).isOutOfMemory, true);
});

t.test("without any cgroup nothing is claimed", async (t) => {
  const dir = t.testdir();
  for (const driver of ["cgroupfs", "systemd"] as const) t.equal(aPod(dir, driver).judge(KILLED).isOutOfMemory, false);
  rmSync(dir, { recursive: true });
});
