// Without its reaper a pod is degraded, not dead: its containers live on, and what nobody saw is told as lost.

import { killIfThere } from "../support/if-any.ts";
import { TELLS_EXITS } from "../support/kernel.ts";
import { reaperOf, supervisorOf } from "../support/own-processes.ts";
import { type PeapodHost, type PodFile, type Test, testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

const UNTIL_TOLD = "while [ ! -e /tmp/end ]; do sleep 0.02; done; exit 7";

async function aPodUp(host: PeapodHost): Promise<PodFile> {
  const pod = host.aPod({ containers: [{ name: "seven", run: UNTIL_TOLD }, { name: "long" }] });
  await host.must("run", "-d", pod.file);
  return pod;
}

async function killReaper(host: PeapodHost, pod: PodFile): Promise<number> {
  const pid = reaperOf(host, pod)!;
  killIfThere(pid);
  await waitUntil("the reaper is dead", () => reaperOf(host, pod) !== pid);
  return pid;
}

async function assertAlive(
  t: Test,
  host: PeapodHost,
  pod: PodFile,
  pids: readonly (number | undefined)[],
): Promise<void> {
  const state = await host.state(pod);
  t.equal(state.status, "running");
  t.type(state.degraded, "string", "it says that it is degraded");
  t.same(
    state.containers.map((container) => container.pid),
    pids,
  );
  for (const pid of pids) t.doesNotThrow(() => process.kill(pid!, 0), "its process runs");
}

/** What the next reaper tells of a process whose own has died: the truth, or, before Linux 6.15, that it does not know. */
async function assertExit(t: Test, host: PeapodHost, pod: PodFile, index: number, exit: object): Promise<void> {
  const found = (await host.state(pod)).containers[index]?.exit;
  t.match(found, !TELLS_EXITS && found?.kind === "lost" ? { kind: "lost" } : exit);
}

async function pidsOf(host: PeapodHost, pod: PodFile): Promise<(number | undefined)[]> {
  return (await host.state(pod)).containers.map((container) => container.pid);
}

testWithPeapod("a reaper that is killed under its supervisor is replaced, and exits are known", async (t, host) => {
  const pod = await aPodUp(host);
  const pids = await pidsOf(host, pod);
  // It may have gone to sleep meanwhile.
  await host.must("kill", "-s", "CONT", "-c", "long", pod.name);
  t.ok(supervisorOf(host, pod), "the supervisor is awake");
  await killReaper(host, pod);
  await waitUntil("there is a new reaper", () => reaperOf(host, pod) !== undefined);
  await assertAlive(t, host, pod, pids);
  await host.touch(pod.name, "/tmp/end", "seven");
  await waitUntil("its exit is known", async () => (await host.state(pod)).containers[0]?.exit !== undefined);
  await assertExit(t, host, pod, 0, { kind: "exited", code: 7 });
  await host.must("stop", pod.name);
  await assertExit(t, host, pod, 1, { kind: "killed", signal: 9 });
  await host.must("delete", pod.name);
  await host.noLeftovers(t);
});

testWithPeapod(
  "a reaper that is killed while its supervisor sleeps is replaced by the next change",
  async (t, host) => {
    const pod = await aPodUp(host);
    const pids = await pidsOf(host, pod);
    await waitUntil("the supervisor sleeps", () => supervisorOf(host, pod) === undefined);
    await killReaper(host, pod);
    await assertAlive(t, host, pod, pids);
    await host.must("kill", "-s", "CONT", pod.name);
    t.ok(reaperOf(host, pod), "it has a reaper again");
    await assertAlive(t, host, pod, pids);
    await host.touch(pod.name, "/tmp/end", "seven");
    await waitUntil("its exit is known", async () => (await host.state(pod)).containers[0]?.exit !== undefined);
    await assertExit(t, host, pod, 0, { kind: "exited", code: 7 });
    await host.must("delete", "--force", pod.name);
    await host.noLeftovers(t);
  },
);

testWithPeapod("an exit that nobody watched is told as lost, never invented", async (t, host) => {
  const pod = await aPodUp(host);
  const pids = await pidsOf(host, pod);
  await waitUntil("the supervisor sleeps", () => supervisorOf(host, pod) === undefined);
  await killReaper(host, pod);
  killIfThere(pids[0]);
  await waitUntil("it is gone", () => !isThere(pids[0]!));
  await host.must("kill", "-s", "CONT", "-c", "long", pod.name);
  await waitUntil("it is told", async () => (await host.state(pod)).containers[0]?.exit !== undefined);
  const state = await host.state(pod);
  t.match(state.containers[0]?.exit, { kind: "lost" });
  t.equal(state.containers[1]?.status, "running");
  await host.must("delete", "--force", pod.name);
  await host.noLeftovers(t);
});

testWithPeapod("who waits for a pod gives it a new reaper when its own dies", async (t, host) => {
  const pod = await aPodUp(host);
  await waitUntil("the supervisor sleeps", () => supervisorOf(host, pod) === undefined);
  const waiting = host.start(["wait", pod.name]);
  await killReaper(host, pod);
  await waitUntil("it has a reaper again", () => reaperOf(host, pod) !== undefined);
  await host.must("stop", pod.name);
  await waiting.ended;
  t.equal((await host.state(pod)).status, "exited");
});

testWithPeapod("a reaper that is killed in the middle of making its pod leaves a pod or nothing", async (t, host) => {
  for (let round = 0; round < 6; round += 1) {
    const pod = host.aPod({ containers: 2 });
    const up = host.start(["run", "-d", pod.file]);
    let isUp = false;
    void up.ended.then(() => {
      isUp = true;
    });
    await waitUntil("there is a reaper, or it is too late", () => isUp || reaperOf(host, pod) !== undefined);
    for (let i = 0; i < round; i += 1) await new Promise((resolve) => setTimeout(resolve, 25));
    killIfThere(reaperOf(host, pod));
    const { code } = await up.ended;
    await waitUntil("it is whole, or gone", async () => {
      const { code, out } = await host.peapod("state", pod.name, "--format", "json");
      return code !== 0 || JSON.parse(out).status === "running";
    });
    if ((await host.peapod("state", pod.name)).code === 0) await host.must("delete", "--force", pod.name);
    else t.not(code, 0, "the caller was told");
    await host.noLeftovers(t);
  }
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
