// Each field that Kubernetes knows is in our schema, taken or refused for a reason, so that nobody is told "unknown field"
// of a word from Kubernetes' own documents.

import { readFileSync } from "node:fs";
import t from "tap";

type Test = Parameters<Parameters<typeof t.test>[0]>[0];

interface Schema {
  readonly $ref?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly "x-refused"?: string;
  readonly "x-refused-values"?: Readonly<Record<string, string>>;
}

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const text = read("../../../schemas/pod.schema.json");
const root = JSON.parse(text) as Schema & { readonly $defs: Readonly<Record<string, Schema>> };

/** A field, and the type of what is inside where that is a type of its own. */
type Fields = ReadonlyMap<string, string | undefined>;

const TYPES = new Map(
  read("kubernetes-fields.txt")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line): [string, Fields] => {
      const [type = "", fields = ""] = line.split(": ");
      return [type, new Map(fields.split(" ").map((field) => field.split("=") as [string, string | undefined]))];
    }),
);

/** Fields that earlier versions of Kubernetes had. */
const BYGONE = ["PodSpec.workloadRef"];

t.test("each field of Kubernetes' v1 Pod is taken or refused, and there is no other", async (t) => {
  const seen = new Set<string>();
  compare(t, root, "Pod", seen);
  t.same(
    [...TYPES.keys()].filter((type) => !seen.has(type)),
    [],
    "no type of the list is left out",
  );
});

t.test("each refusal says whether it is for one machine at all, and what to do instead", async (t) => {
  for (const [, why = ""] of text.matchAll(/"x-refused": "((?:[^"\\]|\\.)*)"/g)) {
    t.match(why, /^(not supported( yet)?|not meant for one machine): \S/, why);
  }
});

function compare(t: Test, schema: Schema, type: string, seen: Set<string>): void {
  if (seen.has(type)) return;
  seen.add(type);
  const fields = TYPES.get(type) ?? new Map();
  const { properties = {} } = resolve(schema);
  const ours = Object.keys(properties).filter((name) => !BYGONE.includes(`${type}.${name}`));
  t.same(ours.sort(), [...fields.keys()].sort(), type);
  for (const [name, inner] of fields) {
    const found = properties[name];
    if (inner !== undefined && found !== undefined && resolve(found)["x-refused"] === undefined)
      compare(t, found, inner, seen);
  }
}

function resolve(schema: Schema): Schema {
  const { $ref, items } = schema;
  if ($ref !== undefined) return resolve({ ...root.$defs[$ref.replace("#/$defs/", "")], ...without$ref(schema) });
  return items === undefined ? schema : resolve(items);
}

function without$ref({ $ref: _, ...rest }: Schema): Schema {
  return rest;
}
