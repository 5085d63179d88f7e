// run and create with --replicas.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type PeapodHost, testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

const STAY = "trap 'exit 0' TERM; while :; do sleep 0.05; done";

const namesOf = async (host: PeapodHost) => (await host.must("list", "-q")).split("\n").filter(Boolean).sort();

testWithPeapod("run -d --replicas: so many pods, numbered from 0, each a pod of its own", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: STAY }] });
  t.equal(await host.must("run", "-d", "--replicas", "3", pod.file), "pod1-0\npod1-1\npod1-2\n");
  t.same(await namesOf(host), ["pod1-0", "pod1-1", "pod1-2"]);
  t.equal(await host.must("exec", "pod1-2", "hostname"), "pod1-2\n");
  t.equal(await host.must("create", "--name", "x", "--replicas=2", pod.file), "x-0\nx-1\n");
  t.equal((await host.shown({ ...pod, name: "x-1" })).status, "created");
});

testWithPeapod(
  "in the foreground each line bears pod and container, and the first bad result counts",
  async (t, host) => {
    const pod = host.aPod({
      containers: [
        { name: "web", run: "echo I am $(hostname); case $(hostname) in *-1) exit 7;; esac" },
        { name: "side", run: "echo oops >&2" },
      ],
    });
    const { code, out, err } = await host.peapod("run", "--replicas", "3", pod.file);
    t.equal(code, 7);
    t.same(
      out.trim().split("\n").sort(),
      [0, 1, 2].map((index) => `pod1-${index}/web  | I am pod1-${index}`),
    );
    t.same(
      err.trim().split("\n").sort(),
      [0, 1, 2].map((index) => `pod1-${index}/side | oops`),
    );
    t.same(await namesOf(host), [], "and nothing stays");
  },
);

testWithPeapod("Ctrl-C stops all of them, and a reader who goes away, too", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: `echo up; ${STAY}` }] });
  const running = host.start(["run", "--replicas", "2", pod.file]);
  await waitUntil("both speak", () => running.said.out.split("up\n").length === 3);
  running.child.kill("SIGINT");
  t.equal((await running.ended).code, 130);
  t.same(await namesOf(host), []);
});

testWithPeapod("all or none: one that fails takes those along that are up already", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: STAY }] });
  await host.must("run", "-d", "--name", "pod1-1", pod.file);
  const { code, out, err } = await host.peapod("run", "-d", "--replicas", "12", pod.file);
  t.not(code, 0);
  t.equal(out, "");
  t.match(err, /pod pod1-1: exists already/);
  t.same(await namesOf(host), ["pod1-1"], "who was there before stays");
});

testWithPeapod("an interruption on the way up undoes all", async (t, host) => {
  const pod = host.aPod({ containers: 2 });
  const running = host.start(["run", "-d", "--replicas", "9", pod.file]);
  await waitUntil("the first are there", async () => (await namesOf(host)).length > 0);
  running.child.kill("SIGTERM");
  t.equal((await running.ended).code, 143);
  t.same(await namesOf(host), []);
});

testWithPeapod("what cannot be is refused before anything is made", async (t, host) => {
  const pod = host.aPod({ name: "a".repeat(62) });
  t.match((await host.peapod("run", "-d", "--replicas", "2", pod.file)).err, /is not a pod's name/);
  t.match((await host.peapod("run", "-d", "--replicas", "0", pod.file)).err, /0 is not a number from 1 to 1000/);
  const bad = join(host.dir, "bad.yaml");
  writeFileSync(bad, "kind: Pod\n");
  t.match((await host.peapod("run", "--replicas", "2", bad)).err, /bad.yaml/);
  t.same(await namesOf(host), []);
});
