// The shortest whole story: a pod comes up, its containers end as they will, and it goes without a trace.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { testWithPeapod } from "../support/peapod-host.ts";
import { readTraces } from "../support/traces.ts";

testWithPeapod("a pod in the foreground ends with the first exit code that is not 0", async (t, host) => {
  const containers = [
    { name: "fine", run: "exit 0" },
    { name: "bad", run: "exit 7" },
    { name: "worse", run: "exit 9" },
  ];
  const { code, err } = await host.peapod("run", host.aPod({ containers }).file);
  t.equal(code, 7, err);
});

testWithPeapod("a detached pod runs until it is deleted", async (t, host) => {
  const pod = host.aPod({ containers: 3 });
  t.equal(await host.must("run", "-d", pod.file), `${pod.name}\n`);
  const state = await host.state(pod);
  t.equal(state.status, "running");
  t.same(
    state.containers.map((container) => container.status),
    ["running", "running", "running"],
  );
  t.not(readTraces(host.root).length, 0, "the tracer sees what is there");
  await host.must("delete", "--force", pod.name);
  t.match(await host.peapod("state", pod.name), { code: Number, err: /pod1/ }, "nobody knows it any more");
});

testWithPeapod("what containers write stands in their logs", async (t, host) => {
  const containers = [
    { name: "out", run: "echo to stdout" },
    { name: "err", run: "echo to stderr >&2" },
  ];
  const pod = host.aPod({ containers });
  await host.must("run", "-d", pod.file);
  await host.must("wait", pod.name);
  const logs = await host.must("logs", pod.name);
  t.match(logs, /to stdout/);
  t.match(readFileSync(join(host.root, "logs", pod.name, "err", "0.log"), "utf8"), / stderr F to stderr\n/);
});

testWithPeapod("each of many lives is told in a journal that holds together", async (t, host) => {
  for (const name of ["first", "second"]) {
    const pod = host.aPod({ name, containers: 2 });
    await host.must("run", "-d", pod.file);
    await host.must("delete", "--force", pod.name);
  }
  const ends = [...host.journals().values()].map((events) => events.at(-1)?.type);
  t.same(ends, ["pod.deleted", "pod.deleted"]);
});

t.test("the tracer finds nothing where there is nothing", async (t) => {
  t.same(readTraces("/tmp/there-was-never-a-pod"), []);
});
