import fc from "fast-check";
import t from "tap";
import type { PodDocument } from "../../../src/generated/pod.ts";
import { type ContainerFields, formatYaml, makeImageManifest } from "../../../src/manifest/image-manifest.ts";
import { parsePod } from "../../../src/manifest/read-manifest.ts";
import { WHOLE_POD } from "./a-pod.ts";

const FROM = { file: "pod.yaml", baseDir: "/", images: "named" } as const;
const NOTHING = {
  command: undefined,
  args: undefined,
  env: [],
  workingDir: undefined,
  runAsUser: undefined,
  runAsGroup: undefined,
};

function parse(text: string): PodDocument {
  return JSON.parse(JSON.stringify(parsePod(text, FROM).document)) as PodDocument;
}

t.test("only what an image has a say in is replaced", async (t) => {
  const document = parse(`apiVersion: v1
kind: Pod
metadata: {name: shop, labels: {"on": "no"}}
spec:
  terminationGracePeriodSeconds: 3
  containers:
    - {name: web, args: [-v], image: "nginx:1.27", securityContext: {readOnlyRootFilesystem: true}}
    - {name: db, image: rootfs:./db, command: [db], env: [{name: A}], securityContext: {}}
`);
  const text = makeImageManifest(document, [
    {
      ...NOTHING,
      image: "rootfs:/containers/web",
      command: ["/entry"],
      args: ["-v"],
      runAsUser: 7,
      workingDir: "/srv",
    },
    { ...NOTHING, image: "rootfs:/containers/db", command: ["db"] },
  ]);
  t.equal(
    text,
    `apiVersion: v1
kind: Pod
metadata:
  name: shop
  labels:
    "on": "no"
spec:
  terminationGracePeriodSeconds: 3
  containers:
    - name: web
      args:
        - -v
      image: rootfs:/containers/web
      securityContext:
        readOnlyRootFilesystem: true
        runAsUser: 7
      command:
        - /entry
      workingDir: /srv
    - name: db
      image: rootfs:/containers/db
      command:
        - db
`,
  );
});

t.test("a pod with everything in it comes back as it was", async (t) => {
  const document = parse(WHOLE_POD);
  const same = document.spec.containers.map((container): ContainerFields => {
    const { image, command, args, env = [], workingDir, securityContext } = container;
    const { runAsUser, runAsGroup } = securityContext ?? {};
    const variables = env.map(({ name, value = "" }) => ({ name, value }));
    return { image, command, args, env: variables, workingDir, runAsUser, runAsGroup };
  });
  const again = parse(makeImageManifest(document, same));
  t.strictSame(parsePod(JSON.stringify(again), FROM).manifest.spec, parsePod(WHOLE_POD, FROM).manifest.spec);
  t.strictSame(again.metadata, document.metadata);
});

t.test("any text of an image's is read as it was written", async (t) => {
  const document = parse("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}");
  const text = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 30 }),
    fc.string({ unit: "binary", maxLength: 30 }).map((any) => any.replaceAll("\0", "")),
    fc.constantFrom(
      "yes",
      "off",
      "0777",
      "0o7",
      "1_000",
      "~",
      "null",
      "true",
      "1.5",
      "- a",
      "a: b",
      "# no",
      "*a",
      "&a",
    ),
    fc.constantFrom(
      "<<",
      "---",
      "...",
      "%YAML",
      "|",
      ">",
      "\ufeff",
      "\u2028",
      "\u0085",
      "a\n\n b\n",
      " a ",
      "\t",
      "'",
      '"',
    ),
    fc.string({ minLength: 200, maxLength: 400 }).map((any) => `${any} `.repeat(3).replaceAll("\0", "")),
  );
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (args) => {
      const env = args.map((value, index) => ({ name: `V${index}`, value }));
      const made = makeImageManifest(document, [{ ...NOTHING, image: "rootfs:/containers/a", args, env }]);
      const [container] = parsePod(made, { ...FROM, images: "directories" }).manifest.spec.containers;
      t.strictSame(container?.args, args);
      t.strictSame(container?.env, env);
    }),
    { numRuns: 500 },
  );
});

t.test("an image's stop signal goes into the lifecycle that is there, and nothing else of it changes", async (t) => {
  const document = parse(`apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  containers:
    - {name: web, image: "nginx:1.27", lifecycle: {preStop: {sleep: {seconds: 1}}}, livenessProbe: {tcpSocket: {port: 80}}}
    - {name: db, image: "db:1", lifecycle: {stopSignal: SIGUSR1}}
    - {name: side, image: "side:1"}
`);
  const image = "rootfs:/x";
  const signals = ["SIGQUIT", undefined, "SIGQUIT"];
  const fields = signals.map((stopSignal) => ({ ...NOTHING, image, stopSignal }));
  const [web, db, side] = parse(makeImageManifest(document, fields)).spec.containers;
  t.strictSame(web?.lifecycle, { preStop: { sleep: { seconds: 1 } }, stopSignal: "SIGQUIT" });
  t.strictSame(web?.livenessProbe, { tcpSocket: { port: 80 } });
  t.strictSame(db?.lifecycle, { stopSignal: "SIGUSR1" });
  t.strictSame(side?.lifecycle, { stopSignal: "SIGQUIT" });
});

t.test("what comes from ConfigMaps and Secrets goes on coming from there, and they come along", async (t) => {
  const text = `apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  containers:
    - name: web
      image: rootfs:./web
      envFrom: [{configMapRef: {name: settings}}]
      env: [{name: P, valueFrom: {secretKeyRef: {name: db, key: password}}}, {name: P, value: last}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue, "yes": "on"}
---
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData: {password: "0777"}
`;
  const { document, companions } = parsePod(text, { ...FROM, images: "directories" });
  const field = { image: "rootfs:/web", command: ["/bin/web"], args: undefined, workingDir: undefined };
  const env = [
    { name: "ADDED", value: "1" },
    { name: "P", value: "" },
    { name: "P", value: "last" },
  ];
  const ids = { runAsUser: undefined, runAsGroup: undefined };
  const made = makeImageManifest(document, [{ ...field, ...ids, env }], companions);
  const again = parsePod(made, { ...FROM, images: "directories" });
  t.match(again.manifest.spec.containers[0], {
    env: [
      { name: "ADDED", value: "1" },
      { name: "P", from: { from: "key", kind: "Secret", object: "db", key: "password" } },
      { name: "P", value: "last" },
    ],
    envFrom: [{ kind: "ConfigMap", object: "settings" }],
  });
  t.same(again.objects.get("Secret db")?.data.get("password"), { text: "0777" });
  t.same(again.objects.get("ConfigMap settings")?.data.get("yes"), { text: "on" });
});

t.test("a text that YAML 1.1 takes for something else is in quotes, as a value and as a key", async (t) => {
  const numbers = ["8022:22", "-1:30.5", "0o17", "0b11", "0x1_F", "010", "1_000", "1,000", "1.", ".5", "1e3", "+1"];
  const others = [
    "2001-01-01",
    "2001-1-1T10:00:00Z",
    "2001-12-14 21:59:43",
    "=",
    "<<",
    "y",
    "N",
    "on",
    "Off",
    "~",
    "NULL",
  ];
  for (const text of [...numbers, ...others]) {
    const quoted = JSON.stringify(text);
    t.equal(formatYaml({ [text]: text }), `${quoted}: ${quoted}\n`);
  }
  for (const text of ["80:80:tcp", "1.2.3", "64Mi", "2001-01-01x", "yes please", "10.0.0.1", "0xg", "a\u00e9"])
    t.equal(formatYaml({ a: text }), `a: ${text}\n`);
  t.equal(formatYaml({ a: "x\ty" }), 'a: "x\\ty"\n', "which PyYAML reads in quotes alone");
  const text = "x\u2028y\u0085z";
  t.equal(formatYaml({ a: text }), 'a: "x\\u2028y\\u0085z"\n');
});
