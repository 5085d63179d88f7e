// Limits in the OCI door: members have their own below the caller's container, whose limits are the pod's.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { type PeapodHost, type Test, testWithPeapod } from "../support/peapod-host.ts";
import { PodBundle } from "../support/pod-bundle.ts";

const READ =
  "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max 2>/dev/null || " +
  "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max; cat /proc/self/oom_score_adj";

function testWithBundle(sentence: string, body: (t: Test, bundle: PodBundle, host: PeapodHost) => Promise<void>): void {
  testWithPeapod(sentence, async (t, host) => {
    const bundle = new PodBundle(host, "p1");
    try {
      await body(t, bundle, host);
    } finally {
      await bundle.end();
      rmSync(join(host.root, "sandboxes"), { recursive: true, force: true });
    }
  });
}

testWithBundle("a member's limits stand below its caller's, whose oom_score_adj it keeps", async (t, bundle) => {
  bundle.configure((config) => {
    config.process.oomScoreAdj = 321;
    config.linux.resources.pids = { limit: 5000 };
  });
  bundle.withPod([{ name: "web", run: READ, resources: { limits: { memory: "32Mi", cpu: "500m" } } }]);
  const { code, out, err } = await bundle.run();
  t.equal(code, 0, err);
  t.same(out.trim().split("\n"), [String(32 << 20), "max", "321"]);
});

testWithBundle("a member's limits can be changed, the pod's are the caller's", async (t, bundle, host) => {
  const run = "until [ -e /go ]; do usleep 20000; done";
  bundle.withPod([
    { name: "web", run, resources: { limits: { memory: "32Mi" } } },
    { name: "other", run },
  ]);
  await bundle.up();
  await host.must("update", bundle.id, "web", "--memory", "48m", "--pids-limit", "60");
  const { resources } = JSON.parse(await host.must("inspect", bundle.id));
  t.match(resources.containers.web, { memoryLimitBytes: 48 << 20, pidsLimit: 60 });
  t.same(resources.pod, {});
  t.match(
    (await host.peapod("update", bundle.id, "--memory", "1g")).err,
    /its limits are those of the container that it lives in\nhint: docker update/,
  );
  const [stats = ""] = (await host.must("stats", "--no-stream", "--format", "json", bundle.id)).trim().split("\n");
  const { containers, netReceivedBytes } = JSON.parse(stats);
  t.equal(containers[0].memoryLimitBytes, 48 << 20);
  t.equal(netReceivedBytes, 0, "the network is the caller's container's");
});

testWithBundle("what a manifest says of the pod itself is refused with its line", async (t, bundle) => {
  bundle.withPod([{ name: "web" }], { resources: { limits: { memory: "64Mi" } } });
  const { code, err } = await bundle.run();
  t.not(code, 0);
  t.match(
    err,
    /pod: its limits are those of the container that it lives in \(\/etc\/peapod\/pod\.yaml:\d+ spec\.resources\)/,
  );
});
