// Whole-pod operations on a pod inside the container that a caller of runc asked for.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { testWithPeapod } from "../support/peapod-host.ts";
import { PodBundle } from "../support/pod-bundle.ts";
import { waitUntil } from "../support/wait-until.ts";

const STAY = "echo up; trap 'exit 5' TERM; while :; do sleep 0.1; done";

testWithPeapod("restart goes on in the same container; update and clone are its maker's business", async (t, host) => {
  const bundle = new PodBundle(host, "p1");
  const pod = { name: "p1", file: "" };
  try {
    bundle.withPod([
      { name: "web", run: STAY },
      { name: "side", run: STAY },
    ]);
    const { ended } = bundle.start(["run", "--bundle", bundle.dir, "p1"]);
    const isRunning = async () => (await host.peapod("state", "p1")).out.includes('"status": "running"');
    await waitUntil("it runs", isRunning);
    const init = await bundle.pid();
    await host.must("restart", "-c", "web", "p1");
    await host.must("restart", "p1");
    const { containers, status } = await host.shown(pod);
    t.equal(status, "running");
    t.same(
      containers.map(({ name, restartCount }) => [name, restartCount]),
      [
        ["web", 2],
        ["side", 1],
      ],
    );
    t.equal(await bundle.pid(), init, "the container is the same");
    const text = await host.must("generate", "p1");
    t.match(text, /name: side/);
    const file = join(host.dir, "p1.yaml");
    await host.must("generate", "p1", "-f", file);
    t.match((await host.peapod("update", "p1", "-f", file)).err, /lives in a container of somebody else's/);
    t.match((await host.peapod("clone", "p1", "p2")).err, /lives in a container of somebody else's/);
    await bundle.must("kill", "p1", "TERM");
    const { code, out } = await ended;
    t.equal(code, 5, "its end is the last one's");
    t.same(out.trim().split("\n").sort(), ["side | up", "side | up", "web | up", "web | up", "web | up"]);
  } finally {
    await bundle.end();
    rmSync(join(host.root, "sandboxes"), { recursive: true, force: true });
  }
});
