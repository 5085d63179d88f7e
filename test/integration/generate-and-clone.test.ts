// A pod as a manifest again, and as another pod.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { testWithPeapod } from "../support/peapod-host.ts";

const STAY = "trap 'exit 0' TERM; while :; do sleep 0.05; done";

const planOf = (text: string) =>
  JSON.parse(text, (key, value) => (key === "reasons" || key === "uid" ? undefined : value)) as Record<string, unknown>;

testWithPeapod("what generate prints of a running pod runs, and is planned alike", async (t, host) => {
  const pod = host.aPod({
    init: [{ name: "init", run: "echo hi > /v/said" }].map((one) => ({
      ...one,
      volumeMounts: [{ name: "v", mountPath: "/v" }],
    })),
    containers: [
      {
        name: "web",
        run: STAY,
        env: [{ name: "NUMBER", value: "012" }],
        volumeMounts: [{ name: "v", mountPath: "/v" }],
      },
      { name: "side", run: ["sh", "-c", "echo 'a: b'\n\texec sleep 1000\n"] },
    ],
    annotations: { "peapod/backOff": "initial=1" },
    spec: { volumes: [{ name: "v", emptyDir: {} }], shareProcessNamespace: true, restartPolicy: "OnFailure" },
  });
  const planned = await host.must("create", "--dry-run", pod.file);
  await host.must("run", "-d", pod.file);
  const text = await host.must("generate", pod.name);
  const file = join(host.dir, "generated.yaml");
  await host.must("generate", pod.name, "-f", file);
  t.equal(readFileSync(file, "utf8"), text);
  t.match((await host.peapod("generate", pod.name, "-f", file)).err, /exists already/);
  t.same(planOf(await host.must("create", "--dry-run", file)), planOf(planned));
  await host.must("delete", "-f", pod.name);
  t.match((await host.peapod("generate", pod.name)).err, /does not exist/);
  await host.must("run", "-d", file);
  await host.must("wait", "--for=ready", pod.name);
  t.equal((await host.must("exec", "-c", "web", pod.name, "cat", "/v/said")).trim(), "hi");
});

testWithPeapod("a clone is a pod of its own, made or started", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web", run: STAY }] });
  await host.must("run", "-d", pod.file);
  t.equal(await host.must("clone", pod.name, "other"), "other\n");
  t.equal((await host.shown({ ...pod, name: "other" })).status, "created");
  t.equal(await host.must("clone", "--start", "other"), "other-clone\n");
  const clone = { ...pod, name: "other-clone" };
  t.equal((await host.shown(clone)).status, "running");
  t.equal(await host.must("exec", clone.name, "hostname"), "other-clone\n");
  t.match((await host.peapod("clone", pod.name, "other")).err, /pod other: exists already/);
  t.match((await host.peapod("clone", "nobody")).err, /pod nobody: does not exist/);
  t.equal((await host.shown(pod)).status, "running");
});

testWithPeapod("of a pod with Secrets a clone wants the file that they stand in", async (t, host) => {
  const secrets = join(host.dir, "secrets.yaml");
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "keys" }, stringData: { door: "open sesame" } };
  const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "words" }, data: { greeting: "hi" } };
  writeFileSync(secrets, [config, secret].map((one) => stringify(one)).join("---\n"));
  const env = [{ name: "DOOR", valueFrom: { secretKeyRef: { name: "keys", key: "door" } } }];
  const envFrom = [{ configMapRef: { name: "words" } }];
  const pod = host.aPod({ containers: [{ name: "web", run: STAY, env, envFrom }] });
  await host.must("run", "-d", "--configmap", secrets, pod.file);
  t.match(await host.peapod("clone", pod.name), {
    code: 125,
    err: /^peapod: pod pod1: has Secrets, which are kept in no manifest of it\nhint: --configmap FILE names the file/,
  });
  await host.must("clone", "--start", "--configmap", secrets, pod.name, "twin");
  t.equal(await host.must("exec", "twin", "sh", "-c", "echo $greeting $DOOR"), "hi open sesame\n");
});
