// ConfigMaps, Secrets and volumes of a pod in a caller's container: they come in the image's own manifest file.

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { type PeapodHost, type Test, testWithPeapod } from "../support/peapod-host.ts";
import { PodBundle } from "../support/pod-bundle.ts";
import { waitUntil } from "../support/wait-until.ts";

const VALUE = "s3cr3t-Kp2mNd";
const DOCUMENTS = [
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { color: "blue", size: "big" } },
  { apiVersion: "v1", kind: "Secret", metadata: { name: "db" }, stringData: { password: VALUE } },
];
const MANIFEST = "/etc/peapod/pod.yaml";

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

function addDocuments(bundle: PodBundle): void {
  const pod = readFileSync(join(bundle.rootfs, MANIFEST), "utf8");
  bundle.addFile(MANIFEST, [pod, ...DOCUMENTS.map((one) => stringify(one))].join("---\n"));
}

testWithBundle("members have ConfigMaps and Secrets, volumes with a size, and the group", async (t, bundle, host) => {
  bundle.withPod(
    [
      {
        name: "a",
        run: "echo $COLOR $size $PASSWORD; cat /keys/password; echo; id -G; echo x >/data/x; stat -c %g /data/x; head -c 3145728 /dev/zero >/data/y || echo full; cat /part; echo; exec sleep 1000",
        envFrom: [{ configMapRef: { name: "settings" } }],
        env: [
          { name: "COLOR", valueFrom: { configMapKeyRef: { name: "settings", key: "color" } } },
          { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "db", key: "password" } } },
        ],
        volumeMounts: [
          { name: "keys", mountPath: "/keys" },
          { name: "data", mountPath: "/data" },
          { name: "conf", mountPath: "/part", subPath: "color" },
        ],
      },
      { name: "b", run: "exec sleep 1000" },
    ],
    {
      securityContext: { fsGroup: 2345 },
      volumes: [
        { name: "keys", secret: { secretName: "db" } },
        { name: "data", emptyDir: { sizeLimit: "2Mi" } },
        { name: "conf", configMap: { name: "settings" } },
      ],
    },
  );
  addDocuments(bundle);
  bundle.configure((config) => config.process.env.push("size=of the caller"));
  const { ended, child } = bundle.start(["run", "--bundle", bundle.dir, bundle.id]);
  let said = "";
  child.stdout?.on("data", (text: string) => {
    said += text;
  });
  await waitUntil("it has spoken", () => said.includes("full\na | blue\n"));
  const files = execFileSync("find", [host.root, "-xdev", "-type", "f"], { encoding: "utf8" })
    .split("\n")
    .filter(Boolean);
  const { dev } = statSync(host.root);
  const telling = files.filter((file) => statSync(file).dev === dev && readFileSync(file).includes(VALUE));
  t.same(
    telling.filter((file) => !file.includes("/logs/")),
    [],
    "no file of ours on disk has it",
  );
  await bundle.must("kill", bundle.id, "KILL");
  const { out, err } = await ended;
  const lines = [`blue big ${VALUE}`, VALUE, "0 2345", "2345", "full", "blue"].map((line) => `a | ${line}\n`);
  t.equal(out, lines.join(""), err);
});

testWithBundle("what is missing, or outlives the container, is refused with its line", async (t, bundle) => {
  const envFrom = [{ secretRef: { name: "dbb" } }];
  bundle.withPod([{ name: "a", envFrom }]);
  addDocuments(bundle);
  t.match(
    (await bundle.run()).err,
    /pod\.yaml:\d+:\d+ spec\.containers\[0\]\.envFrom\[0\]\.secretRef\.name: no Secret is called "dbb"; did you mean "db"\?/,
  );
  bundle.withPod([{ name: "a" }], { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "store" } }] });
  t.match(
    (await bundle.run()).err,
    /volume v: a pod in a container has no named volumes \(.*pod\.yaml:\d+ spec\.volumes\[0\]\)/,
  );
});
