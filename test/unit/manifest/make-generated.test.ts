// What `generate` prints gives the plan that the pod has.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parse, stringify } from "yaml";
import { EXAMPLES, exampleNames, planAsGolden } from "../../../scripts/golden.ts";
import type { PodName } from "../../../src/base/names.ts";
import { makeGenerated, makeStored } from "../../../src/manifest/make-generated.ts";
import type { Manifest } from "../../../src/manifest/manifest.ts";
import { parsePod, type ReadPod } from "../../../src/manifest/read-manifest.ts";

const read = (text: string, baseDir = "/example") =>
  parsePod(text, { file: "pod.yaml", baseDir, images: "directories" });

/** All but where in which file it was said. */
function planOf({ objects }: Pick<ReadPod, "objects">, manifest: Manifest) {
  const plan = planAsGolden({ manifest, objects });
  const withoutReasons = (key: string, value: unknown) => (key === "reasons" || key === "place" ? undefined : value);
  return JSON.parse(JSON.stringify(plan, withoutReasons));
}

for (const example of exampleNames()) {
  t.test(`${example}: its generated manifest gives the same plan, wherever it is read`, async (t) => {
    const pod = read(readFileSync(join(EXAMPLES, example, "pod.yaml"), "utf8"));
    const text = makeGenerated(makeStored(pod), pod.manifest);
    // A script in a ConfigMap begins with #! as well.
    t.notMatch(text, /^\s*#(?!!)|kind: Secret/m, "no comments, and no Secret");
    const secrets = pod.companions.filter((one) => (one as { kind?: string }).kind === "Secret");
    const again = read([text, ...secrets.map((one) => stringify(one))].join("---\n"), "/elsewhere");
    t.same(planOf(again, again.manifest), planOf(pod, pod.manifest));
    t.equal(makeGenerated(makeStored(again), again.manifest), text, "and gives the same text again");
  });
}

const NAMED = `apiVersion: v1
kind: Pod
metadata: {name: shop, annotations: {a: "yes", b: "012", c: "1e3"}}
spec:
  hostname: shop
  containers:
  - {name: web, image: "rootfs:root", command: ["sh", "-c", "echo 'a: b' # c\\n  indented\\n"], env: [{name: N, value: "0x1F"}]}
`;

t.test("a pod under another name keeps that name, and the host name that came of it", async (t) => {
  const pod = read(NAMED);
  const { manifest, document } = pod;
  const renamed: Manifest = {
    ...manifest,
    metadata: { ...manifest.metadata, name: "web2" as PodName },
    spec: { ...manifest.spec, hostname: "web2" },
  };
  const text = makeGenerated({ document }, renamed);
  t.same(planOf(pod, read(text).manifest), planOf(pod, renamed));
  t.match(parse(text), { metadata: { name: "web2" }, spec: { hostname: "web2" } });
});

t.test("text stays text for readers of YAML 1.1 and 1.2", async (t) => {
  const { manifest, document } = read(NAMED);
  const text = makeGenerated({ document }, manifest);
  for (const version of ["1.1", "1.2"] as const) {
    t.match(parse(text, { version }), {
      metadata: { annotations: { a: "yes", b: "012", c: "1e3" } },
      spec: { containers: [{ env: [{ value: "0x1F" }] }] },
    });
  }
});

t.test("companions come first, and no Secret is among them", async (t) => {
  const { manifest, document } = read(NAMED);
  const companions = [
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { k: "v" } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { k: "hush" } },
  ];
  const text = makeGenerated({ document, companions }, manifest);
  t.notMatch(text, /hush|Secret/);
  t.match(text, /^apiVersion: v1\nkind: ConfigMap\n[\s\S]*\n---\napiVersion: v1\nkind: Pod\n/);
});

t.test("variables that were said beside the manifest are in it, and are no templates", async (t) => {
  const { manifest, document } = read(NAMED);
  const text = makeGenerated({ document, env: { N: "2", M: "$(N)" } }, manifest);
  t.match(parse(text).spec.containers[0].env, [
    { name: "N", value: "2" },
    { name: "M", value: "$$(N)" },
  ]);
});

t.test("what is kept of a pod holds no Secret", async (t) => {
  const secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: hush}\n";
  const map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: v}\n";
  const text = JSON.stringify(makeStored(read(NAMED + secret + map)));
  t.match(text, /ConfigMap/);
  t.notMatch(text, /hush/);
});
