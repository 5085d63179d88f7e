import t from "tap";
import { PeapodError } from "../../../../src/base/errors.ts";
import type { LogEntry, PodClient } from "../../../../src/engine/engine.ts";
import type { PodState } from "../../../../src/state/pod-state.ts";
import { aContainer, aLine, aPod, fakeEngine, fakeWorld, runLine } from "../../../support/cli-world.ts";

/** A pod that runs until `end` is called, and a record of what was asked of it. */
function aRunningPod(more: { pod?: PodState; logs?: Record<string, LogEntry[]>; up?: () => Promise<PodState> } = {}) {
  const asked: string[] = [];
  const pod = more.pod ?? aPod();
  let end: (state: PodState) => void = () => {};
  const ended = new Promise<PodState>((resolve) => {
    end = resolve;
  });
  const client: Partial<PodClient> = {
    wait: () => ended,
    async stop() {
      asked.push("stop");
      return pod;
    },
    async kill({ signal, all }) {
      asked.push(`kill ${signal}${all ? " all" : ""}`);
      return pod;
    },
    async delete({ force }) {
      asked.push(`delete${force ? " force" : ""}`);
    },
  };
  const engine = fakeEngine({
    client,
    reader: { state: async () => await ended },
    rest: {
      async up(request) {
        asked.push(`up ${request.file}${request.start ? " start" : ""}`);
        return more.up ? await more.up() : pod;
      },
      async *logs(_pod, { container }) {
        // As the contract says: to the container's end and a little longer.
        await ended;
        yield* more.logs?.[container] ?? [];
      },
    },
  });
  return { engine, asked, client, end: (status: number | undefined) => end({ ...pod, exitStatus: status }) };
}

/** Until everything that can happen without the test has happened. */
const settle = async () => {
  for (let i = 0; i < 5; i += 1) await new Promise(setImmediate);
};

t.test("shows what is written up to the very end, hands the result on and deletes the pod", async (t) => {
  const pod = aRunningPod({
    logs: { server: [aLine("up"), aLine("oops", { stream: "stderr" }), aLine("last words")], client: [aLine("hello")] },
  });
  const running = runLine("run pod.yaml", fakeWorld(pod.engine));
  await settle();
  pod.end(7);
  const ran = await running;
  t.equal(ran.status, 7);
  t.same(ran.out.split("\n").sort(), ["", "client | hello", "server | last words", "server | up"]);
  t.equal(ran.err, "server | oops\n");
  t.same(pod.asked, ["up pod.yaml start", "delete force"]);
});

t.test("a single container's lines bear no prefix", async (t) => {
  const pod = aRunningPod({
    pod: aPod({ containers: [aContainer("_pause"), aContainer("server")] }),
    logs: { server: [aLine("up")] },
  });
  pod.end(0);
  t.same(await runLine("run pod.yaml", fakeWorld(pod.engine)), { status: 0, out: "up\n", err: "" });
});

t.test("on a terminal prefixes are coloured and ends are told", async (t) => {
  const containers = [aContainer("server", { exit: { kind: "exited", code: 3, time: "2026-11-22T10:01:00Z" } })];
  const pod = aRunningPod({
    pod: aPod({ containers: [...containers, aContainer("c")] }),
    logs: { server: [aLine("up")] },
  });
  pod.end(3);
  const ran = await runLine("run pod.yaml", fakeWorld(pod.engine, { terminal: true }));
  t.equal(ran.out, "\u001b[36mserver | \u001b[0mup\n");
  t.equal(ran.err, "\u001b[36mserver | \u001b[0mexited with 3\n");
});

t.test("--keep leaves the pod there", async (t) => {
  const pod = aRunningPod();
  pod.end(0);
  await runLine("run --keep pod.yaml", fakeWorld(pod.engine));
  t.same(pod.asked, ["up pod.yaml start"]);
});

t.test("the first interruption stops the pod, the second kills it; the status tells of the first", async (t) => {
  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    const pod = aRunningPod();
    const fake = fakeWorld(pod.engine);
    const running = runLine("run pod.yaml", fake);
    await settle();
    fake.signal(signal);
    fake.signal("SIGINT");
    await settle();
    pod.end(137);
    t.equal((await running).status, status);
    t.same(pod.asked, ["up pod.yaml start", "stop", "kill SIGKILL all", "delete force"]);
    t.notOk(fake.signal("SIGINT"), "afterwards nobody holds the signals");
  }
});

t.test("a reader who goes away stops the pod", async (t) => {
  const pod = aRunningPod();
  const fake = fakeWorld(pod.engine);
  const running = runLine("run pod.yaml", fake);
  await settle();
  fake.hangUp();
  pod.end(143);
  t.equal((await running).status, 141);
  t.same(pod.asked, ["up pod.yaml start", "stop", "delete force"]);
});

t.test("interrupted on the way up it cancels, and has nothing to delete", async (t) => {
  const up = Promise.withResolvers<PodState>();
  const pod = aRunningPod({ up: () => up.promise });
  const fake = fakeWorld(pod.engine);
  const running = runLine("run pod.yaml", fake);
  await settle();
  fake.signal("SIGINT");
  up.reject(new PeapodError("CANCELED", "pod web: given up by the caller"));
  t.same(await running, { status: 130, out: "", err: "peapod: pod web: given up by the caller\n" });
  t.same(pod.asked, ["up pod.yaml start"]);
});

t.test("interrupted too late to cancel it stops what came up", async (t) => {
  const up = Promise.withResolvers<PodState>();
  const pod = aRunningPod({ up: () => up.promise });
  const fake = fakeWorld(pod.engine);
  const running = runLine("run pod.yaml", fake);
  await settle();
  fake.signal("SIGINT");
  up.resolve(aPod());
  await settle();
  pod.end(0);
  t.equal((await running).status, 130);
  t.same(pod.asked, ["up pod.yaml start", "stop", "delete force"]);
});

t.test("a pod that somebody else stopped or deleted is no failure of ours", async (t) => {
  const pod = aRunningPod();
  pod.client.stop = async () => {
    throw new PeapodError("WRONG_STATE", "pod web: has ended");
  };
  pod.client.delete = async () => {
    throw new PeapodError("NOT_FOUND", "pod web: does not exist");
  };
  const fake = fakeWorld(pod.engine);
  const running = runLine("run pod.yaml", fake);
  await settle();
  fake.signal("SIGINT");
  pod.end(0);
  t.same(await running, { status: 130, out: "", err: "" });
});

t.test("a result that nobody saw is not made up, and the pod is deleted all the same", async (t) => {
  const pod = aRunningPod();
  pod.end(undefined);
  const ran = await runLine("run pod.yaml", fakeWorld(pod.engine));
  t.equal(ran.status, 125);
  t.equal(ran.err, "peapod: pod web: ended, but nobody saw with what result\n");
  t.same(pod.asked, ["up pod.yaml start", "delete force"]);
});
