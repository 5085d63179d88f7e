import t from "tap";
import { GOLDEN_FACTS } from "../../../scripts/golden.ts";
import { type ConfigObjects, redactSecrets } from "../../../src/manifest/config-objects.ts";
import type { Container } from "../../../src/manifest/manifest.ts";
import { parsePod } from "../../../src/manifest/read-manifest.ts";
import { makeOwnEnv, namesIn } from "../../../src/plan/env.ts";
import { podText } from "../../support/planning.ts";

const OBJECTS = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue, size: big}
binaryData: {raw: AAEC}
---
apiVersion: v1
kind: Secret
metadata: {name: db}
data: {user: YWRtaW4=, raw: gIA=}
stringData: {password: hunter2}
`;

function envOf(fields: object, more: { redacted?: boolean; overrides?: Record<string, string> } = {}) {
  const text = podText({ spec: { hostname: "h" }, containers: { web: fields as Record<string, unknown> } }) + OBJECTS;
  const { manifest, objects } = parsePod(text, { file: "pod.yaml", baseDir: "/", images: "directories" });
  const used: ConfigObjects = more.redacted ? redactSecrets(objects) : objects;
  const values = { objects: used, uid: "some-uuid", overrides: new Map(Object.entries(more.overrides ?? {})) };
  const facts = { ...GOLDEN_FACTS, cpus: 4, memoryBytes: 2 ** 30, address: "192.0.2.7" };
  const [container] = manifest.spec.containers;
  const own = makeOwnEnv(container as Container, { manifest, facts, values, isHostNetwork: false });
  return { all: Object.fromEntries(own.all), secret: [...own.secret] };
}

const secretKey = (key: string) => ({ secretKeyRef: { name: "db", key } });

t.test("envFrom comes first, in its order, and env wins over it", async (t) => {
  const { all } = envOf({
    envFrom: [{ configMapRef: { name: "settings" } }, { prefix: "X_", configMapRef: { name: "settings" } }],
    env: [{ name: "size", value: "small $(color) $(X_size) $(raw)" }],
  });
  t.same(all, { color: "blue", size: "small blue big $(raw)", X_color: "blue", X_size: "big" });
});

t.test("$(NAME) knows what stands before it, $$ escapes, and the unknown stays", async (t) => {
  const env = [
    { name: "A", value: "1" },
    { name: "B", value: "$(A)$(C)$$(A)$(open $" },
    { name: "C", value: "$(B)" },
  ];
  t.same(envOf({ env }).all, { A: "1", B: "1$(C)$(A)$(open $", C: "1$(C)$(A)$(open $" });
  t.same(namesIn("$(A) $$(B) $(C"), ["A"]);
});

t.test("of two variables with one name the later wins, and knows the earlier", async (t) => {
  const env = [
    { name: "A", valueFrom: secretKey("password") },
    { name: "B", value: "$(A)" },
    { name: "A", value: "$(A)2" },
    { name: "A", value: "3" },
    { name: "C", value: "$(A)" },
  ];
  t.same(envOf({ env }), { all: { A: "3", B: "hunter2", C: "3" }, secret: ["B"] });
});

t.test("what is optional and not there is not set; what envFrom has of that name stays", async (t) => {
  const valueFrom = { configMapKeyRef: { name: "settings", key: "gone", optional: true } };
  const env = [
    { name: "color", valueFrom },
    { name: "other", valueFrom },
  ];
  t.same(envOf({ envFrom: [{ configMapRef: { name: "settings" } }], env }).all, { color: "blue", size: "big" });
});

t.test("it knows which variables a secret is in, also by way of others", async (t) => {
  const env = [
    { name: "P", valueFrom: secretKey("password") },
    { name: "URL", value: "db://$(P)" },
    { name: "SHORT", value: "$(URL)/x" },
    { name: "PLAIN", value: "$$(P)" },
  ];
  t.same(envOf({ env }), {
    all: { P: "hunter2", URL: "db://hunter2", SHORT: "db://hunter2/x", PLAIN: "$(P)" },
    secret: ["P", "URL", "SHORT"],
  });
  t.same(envOf({ env }, { redacted: true }).all, {
    P: "(secret db/password)",
    URL: "db://(secret db/password)",
    SHORT: "db://(secret db/password)/x",
    PLAIN: "$(P)",
  });
});

t.test("the caller's variables stand in place of the manifest's, and others may name them", async (t) => {
  const env = [
    { name: "A", valueFrom: secretKey("password") },
    { name: "B", value: "$(A)" },
  ];
  t.same(envOf({ env }, { overrides: { A: "$(B)", C: "c" } }), { all: { A: "$(B)", C: "c", B: "$(B)" }, secret: [] });
});

t.test("fields and resources, in their units, rounded up", async (t) => {
  const field = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } });
  const resource = (name: string, divisor?: string) => ({
    valueFrom: { resourceFieldRef: { resource: name, ...(divisor && { divisor }) } },
  });
  const limits = { resources: { limits: { cpu: "1500m" } } };
  const env = [
    { name: "UID", ...field("metadata.uid") },
    { name: "LABEL", ...field("metadata.labels['none']") },
    { name: "NODE", ...field("spec.nodeName") },
    { name: "HOST", ...field("status.hostIP") },
    { name: "POD", ...field("status.podIP") },
    { name: "CPU", ...resource("limits.cpu") },
    { name: "MILLI", ...resource("limits.cpu", "1m") },
    { name: "REQUEST", ...resource("requests.cpu", "1m") },
    { name: "MEMORY", ...resource("limits.memory", "1Mi") },
    { name: "NONE", ...resource("requests.memory") },
  ];
  t.same(envOf({ env, ...limits }).all, {
    UID: "some-uuid",
    LABEL: "",
    NODE: "host",
    HOST: "192.0.2.7",
    POD: "127.0.0.1",
    CPU: "2",
    MILLI: "1500",
    REQUEST: "1500",
    MEMORY: "1024",
    NONE: "0",
  });
});

t.test("bytes that are no text cannot be a variable", async (t) => {
  t.throws(() => envOf({ env: [{ name: "A", valueFrom: secretKey("raw") }] }), {
    code: "BAD_MANIFEST",
    message: /Secret db: key "raw" is not text, and cannot be an environment variable/,
  });
});
