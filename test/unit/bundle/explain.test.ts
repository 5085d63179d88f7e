import t from "tap";
import { makeExplanation } from "../../../src/bundle/explain.ts";
import { makeConfig } from "../../../src/bundle/make-config.ts";
import { aPlan, containerOf, type PodWords } from "../../support/planning.ts";

function explain(words: PodWords, name = "web") {
  const plan = aPlan(words);
  const container = containerOf(plan, name);
  return makeExplanation(plan, container, makeConfig(plan, container));
}

t.test("each part is there once, with a short value and where it comes from", (t) => {
  const rows = explain({
    annotations: { "peapod/share": "+pid" },
    containers: { web: { args: ["x".repeat(500)], resources: { limits: { cpu: 1 } } } },
  });
  t.equal(new Set(rows.map(({ part }) => part)).size, rows.length);
  for (const { part, value, source } of rows) {
    t.ok(value.length > 0 && value.length <= 60, part);
    t.ok(source.length > 0, `${part} has a source`);
  }
  const sourceOf = (part: string) => rows.find((row) => row.part === part)?.source;
  t.match(sourceOf("process.args"), /^pod.yaml:\d+ spec.containers\[0\].command$/);
  t.match(sourceOf("namespaces.pid"), /^pod.yaml:\d+ metadata.annotations\["peapod\/share"\]$/);
  t.match(sourceOf("resources.cpuQuota"), /^pod.yaml:\d+ spec.containers\[0\].resources.limits.cpu$/);
  t.equal(sourceOf("namespaces.net"), "Kubernetes default");
  t.equal(sourceOf("mounts./proc"), "profile default.json");
  t.end();
});

t.test("every namespace and every mount of the config is explained", (t) => {
  const plan = aPlan({ annotations: { "peapod/share": "+user,cgroup" } });
  for (const container of plan.containers) {
    const config = makeConfig(plan, container);
    const parts = makeExplanation(plan, container, config).map(({ part }) => part);
    for (const mount of config.mounts) t.ok(parts.includes(`mounts.${mount.destination}`), mount.destination);
    t.equal(parts.filter((part) => part.startsWith("namespaces.")).length, 8);
  }
  t.end();
});

t.test("a privileged container's profile is named", (t) => {
  const rows = explain({ containers: { web: { securityContext: { privileged: true } } } });
  t.equal(rows.find(({ part }) => part === "maskedPaths")?.source, "profile privileged.json");
  t.match(rows.find(({ part }) => part === "seccomp")?.source, /^pod.yaml:\d+ .*privileged$/);
  t.end();
});

t.test("a device that may be opened is told with its numbers", (t) => {
  const device = { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 } as const;
  const volumes = [{ name: "fuse", hostPath: { path: "/dev/fuse", type: "CharDevice" } }];
  const web = { volumeMounts: [{ name: "fuse", mountPath: "/d", readOnly: true }] };
  const plan = aPlan({ spec: { volumes }, containers: { web } }, { devices: [device] });
  const container = containerOf(plan, "web");
  const rows = makeExplanation(plan, container, makeConfig(plan, container));
  t.match(
    rows.find(({ part }) => part === "resources.devices.c 10:229"),
    { value: "r", source: "hostPath of type CharDevice or BlockDevice" },
  );
  t.end();
});
