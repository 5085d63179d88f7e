import fc from "fast-check";
import t from "tap";
import type { Violation } from "../../../src/base/validate.ts";
import { validate } from "../../../src/base/validate.ts";
import { validators } from "../../../src/generated/validators.ts";

function aPod(spec: object = {}): Record<string, unknown> {
  const containers = [{ name: "web", image: "rootfs:./site" }];
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec: { containers, ...spec } };
}

function aContainer(more: object): Record<string, unknown> {
  return aPod({ containers: [{ name: "web", image: "rootfs:./site", ...more }] });
}

function aVolume(more: object): Record<string, unknown> {
  return aPod({ volumes: [{ name: "data", ...more }] });
}

t.test("a right value has no violations", async (t) => {
  t.strictSame(validate("pod", aPod()), []);
});

t.test("an unknown field names the nearest, or the first that are allowed, and no refused one", async (t) => {
  const violations = validate("pod", aContainer({ imagee: "x" }));
  t.equal(violations.length, 1);
  const [violation] = violations as [Violation];
  t.equal(violation.pointer, "/spec/containers/0/imagee");
  t.equal(violation.kind, "unknown-field");
  t.equal(violation.nearest, "image");
  t.equal(violation.message, 'unknown field; did you mean "image"?');
  t.ok(violation.allowed?.includes("env"));
  t.notOk(violation.allowed?.includes("volumeDevices"));
  t.match(
    validate("pod", aContainer({ whatever: 1 }))[0]?.message,
    /^unknown field; allowed: name, image, (?:\w+, ){9}\w+ and \d+ more$/,
  );
});

t.test("a misspelt required field is not also missing", async (t) => {
  const kinds = validate("pod", aPod({ containers: [{ name: "web", imagee: "rootfs:./site" }] })).map(
    ({ kind }) => kind,
  );
  t.strictSame(kinds, ["unknown-field"]);
});

t.test("each kind of error is one clause at one place", async (t) => {
  const table: readonly (readonly [string, unknown, string, string])[] = [
    ["no name", aPod({ containers: [{ image: "x" }] }), "/spec/containers/0/name", "is missing"],
    [
      "number for text",
      aContainer({ env: [{ name: "A", value: 80 }] }),
      "/spec/containers/0/env/0/value",
      "must be a string, is the number 80; put it in quotes",
    ],
    ["text for flag", aPod({ hostPID: "yes" }), "/spec/hostPID", 'must be true or false, is "yes"'],
    [
      "nothing",
      aContainer({ args: null }),
      "/spec/containers/0/args",
      "must be a list, is empty; give a value or leave it out",
    ],
    ["map for list", aPod({ containers: {} }), "/spec/containers", "must be a list, is a map"],
    ["no item", aPod({ containers: [] }), "/spec/containers", "must not be empty"],
    [
      "too small",
      aPod({ terminationGracePeriodSeconds: -1 }),
      "/spec/terminationGracePeriodSeconds",
      "must be 0 or more",
    ],
    [
      "fraction",
      aPod({ terminationGracePeriodSeconds: 1.5 }),
      "/spec/terminationGracePeriodSeconds",
      "must be a whole number, is the number 1.5",
    ],
    [
      "too long",
      aPod({ hostname: "A" }),
      "/spec/hostname",
      "must be 1 to 63 lower-case letters, digits and '-', and begin and end with a letter or digit",
    ],
    [
      "wrong word",
      aVolume({ hostPath: { path: "/", type: "Fil" } }),
      "/spec/volumes/0/hostPath/type",
      'must be one of "", DirectoryOrCreate, Directory, FileOrCreate, File, Socket, CharDevice, BlockDevice; is "Fil"; did you mean File?',
    ],
    [
      "no form",
      aVolume({}),
      "/spec/volumes/0",
      "must have exactly one of emptyDir (`emptyDir: {}` will do), hostPath, configMap, secret, projected, downwardAPI, persistentVolumeClaim and image",
    ],
    [
      "two forms",
      aVolume({ emptyDir: {}, hostPath: { path: "/" } }),
      "/spec/volumes/0",
      "must have exactly one of emptyDir (`emptyDir: {}` will do), hostPath, configMap, secret, projected, downwardAPI, persistentVolumeClaim and image",
    ],
    ["wrong kind", { ...aPod(), kind: "Pood" }, "/kind", 'must be Pod; is "Pood"; did you mean Pod?'],
    ["status", { ...aPod(), status: { phase: "x" } }, "/status", "is written by a cluster; leave it out"],
  ];
  for (const [name, value, pointer, message] of table) {
    t.strictSame(
      validate("pod", value).map((violation) => [violation.pointer, violation.message]),
      [[pointer, message]],
      name,
    );
  }
});

t.test("of a long list of values the nearest is told, or the first dozen", async (t) => {
  const add = ["NETADMIN", "EVERYTHING"];
  const violations = validate("pod", aContainer({ securityContext: { capabilities: { add } } }));
  t.equal(violations.length, 2);
  t.equal(violations[0]?.message, '"NETADMIN" is none of the allowed values; did you mean NET_ADMIN?');
  t.match(
    violations[1]?.message,
    /^"EVERYTHING" is none of the allowed values; allowed: ALL, (?:\w+, ){10}\w+ and \d+ more$/,
  );
});

t.test("a field that Kubernetes knows and peapod does not says so, and is told once", async (t) => {
  for (const [value, pointer] of [
    [aPod({ ephemeralContainers: [{ whatever: 1 }] }), "/spec/ephemeralContainers"],
    [aContainer({ resizePolicy: [] }), "/spec/containers/0/resizePolicy"],
    [
      aContainer({ resources: { requests: { "ephemeral-storage": "1Gi" } } }),
      "/spec/containers/0/resources/requests/ephemeral-storage",
    ],
    [
      aContainer({ resources: { limits: { "hugepages-64Ki": "1Gi" } } }),
      "/spec/containers/0/resources/limits/hugepages-64Ki",
    ],
    [aPod({ imagePullSecrets: [] }), "/spec/imagePullSecrets"],
  ] as const) {
    const violations = validate("pod", value);
    t.strictSame(
      violations.map((violation) => [violation.pointer, violation.kind]),
      [[pointer, "refused"]],
    );
    t.match(violations[0]?.message, /^not (supported yet|meant for one machine): /);
  }
});

t.test("pointers escape what RFC 6901 escapes", async (t) => {
  const violations = validate("pod", { ...aPod(), metadata: { name: "web", labels: { "a~b/c": 1 }, "x/y~z": 1 } });
  t.ok(violations.some(({ pointer }) => pointer === "/metadata/labels/a~0b~1c"));
  t.ok(violations.some(({ pointer }) => pointer === "/metadata/x~1y~0z"));
});

t.test("a hostile value ends in a bounded list of clauses of bounded length", async (t) => {
  const names = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`k${index}`, "x".repeat(500)]));
  const violations = validate("pod", { ...aPod(), ...names, kind: "y".repeat(100_000) });
  t.ok(violations.length > 10 && violations.length <= 1000);
  t.ok(violations.every(({ message }) => message.length < 2000));
});

t.test("the quick validator and the thorough one never disagree", async (t) => {
  const { quick, thorough } = validators.pod;
  const word = fc.constantFrom(
    ...["name", "image", "ports", "env", "emptyDir", "hostPath", "medium", "sizeLimit", "limits", "requests", "cpu"],
    ...[
      "memory",
      "hugepages-1",
      "volumes",
      "containers",
      "labels",
      "status",
      "restartPolicy",
      "securityContext",
      "path",
    ],
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>("a", "", "Memory", "Never", "/x", 0, -1, 1.5, true, null),
      fc.dictionary(word, tie("any"), { maxKeys: 4 }),
      fc.array(tie("any"), { maxLength: 3 }),
    ),
  })).any;
  fc.assert(
    fc.property(
      fc.constantFrom("container", "volume", "spec", "metadata", "top"),
      fc.dictionary(word, value, { maxKeys: 4 }),
      (where, more) => {
        const container = where === "container" ? aContainer(more) : aPod(where === "spec" ? more : {});
        const pod = where === "volume" ? aVolume(more) : container;
        const whole =
          where === "metadata"
            ? { ...pod, metadata: { name: "a", ...more } }
            : where === "top"
              ? { ...pod, ...more }
              : pod;
        return quick()(whole) === thorough()(whole);
      },
    ),
    { numRuns: 2000 },
  );
  t.pass();
});
