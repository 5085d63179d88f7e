// docs/manifest.md, from schemas/pod.schema.json. scripts/generate-docs.ts writes it, a test compares.

import { readFileSync } from "node:fs";

interface Schema {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly "x-refused"?: string;
  readonly "x-refused-values"?: Readonly<Record<string, string>>;
}

interface Row {
  readonly path: string;
  readonly schema: Schema;
  readonly isNeeded: boolean;
}

const OPENING = `# The manifest

<!-- Made by \`node scripts/generate-docs.ts\` from schemas/pod.schema.json; changes made here are lost. -->

A Kubernetes v1 Pod, as YAML or JSON; of several documents in one file exactly one must be a Pod, and the others ConfigMaps and
Secrets ([volumes.md](volumes.md) tells of them, and of volumes and the environment). What Kubernetes knows
and peapod does not is refused by name, with the reason; what nobody knows is refused with the nearest name that there
is. All faults are told at once, each with file, line and column. \`peapod spec\` prints a manifest to begin with.
`;

const ANNOTATIONS = `## Annotations

Those that begin with \`peapod/\` are instructions to peapod; one that it does not know is an error. All others are kept
and shown.

| annotation | says |
| --- | --- |
| \`peapod/share\` | which namespaces the containers share, in podman's words |
| \`peapod/namespaces.CONTAINER\` | the namespaces of that container alone |
| \`peapod/timeOffsets\` | how far the clocks of a time namespace are off |
| \`peapod/backOff\` | how long who ends again and again waits to be started again: \`initial=10,max=300,reset=600\`, in seconds |
| \`peapod/logAttempts\` | of how many attempts a container's logs are kept; 10 unless told |
| \`peapod/logMaxSize\` | how large a container's log grows before another file is begun: \`10Mi\` unless told; \`0\`: no limit |
| \`peapod/logMaxFiles\` | how many files a container's log has altogether; 5 unless told |

| \`peapod/pidsLimit\` | of the pod: processes and threads at most, or \`-1\`; absent: 2048 for a container, none for the pod |
| \`peapod/pidsLimit.CONTAINER\` | of that container alone |
| \`peapod/cpusetCpus\` | of the pod: processors, as \`0-2,5\` |
| \`peapod/cpusetCpus.CONTAINER\` | of that container alone |
| \`peapod/cpusetMems\` | of the pod: memory nodes, as \`0-2,5\` |
| \`peapod/cpusetMems.CONTAINER\` | of that container alone |
| \`peapod/memorySwap\` | of the pod: memory and swap together, in bytes (\`256Mi\`), or \`-1\`; needs a limit on memory. Absent: that limit, so no swap |
| \`peapod/memorySwap.CONTAINER\` | of that container alone |
| \`peapod/memoryOomGroup\` | of the pod: \`true\`: out of memory the kernel kills all of it or nothing; cgroup version 2 only |
| \`peapod/memoryOomGroup.CONTAINER\` | of that container alone |
| \`peapod/blkioWeight\` | of the pod: weight at block devices, 10 to 1000 |
| \`peapod/blkioWeight.CONTAINER\` | of that container alone |
| \`peapod/deviceReadBps\` | of the pod: bytes a second that are read from a device: \`/dev/sda:10Mi\` or \`8:0:10Mi\`, several with a comma |
| \`peapod/deviceReadBps.CONTAINER\` | of that container alone |
| \`peapod/deviceWriteBps\` | of the pod: bytes a second that are written to it |
| \`peapod/deviceWriteBps.CONTAINER\` | of that container alone |
| \`peapod/deviceReadIops\` | of the pod: reads a second: \`/dev/sda:100\` |
| \`peapod/deviceReadIops.CONTAINER\` | of that container alone |
| \`peapod/deviceWriteIops\` | of the pod: writes a second |
| \`peapod/deviceWriteIops.CONTAINER\` | of that container alone |

[namespaces.md](namespaces.md), [lifecycle.md](lifecycle.md) and [resources.md](resources.md) have them in full.
`;

export function makeManifestDocs(): string {
  const root = JSON.parse(readFileSync(new URL("../schemas/pod.schema.json", import.meta.url), "utf8")) as Schema;
  const rows = [...walk(root, root, "", [])];
  const supported = rows.filter(({ schema }) => schema["x-refused"] === undefined);
  const refused = rows.filter(({ schema }) => schema["x-refused"] !== undefined);
  const values = supported.flatMap(({ path, schema }) =>
    Object.entries(schema["x-refused-values"] ?? {}).map(([value, why]) => ({ path: `${path}: ${value}`, why })),
  );
  return [
    OPENING,
    "## Fields that count\n",
    "| field | type | |",
    "| --- | --- | --- |",
    ...supported.map(
      (row) => `| \`${row.path}\`${row.isNeeded ? " *" : ""} | ${typeOf(row.schema)} | ${tellOf(row.schema)} |`,
    ),
    "\n\\* must be there.\n",
    ANNOTATIONS,
    "## Fields that are refused\n",
    "| field | why, and what to do |",
    "| --- | --- |",
    ...refused.map(({ path, schema }) => `| \`${path}\` | ${escapeCell(schema["x-refused"] ?? "")} |`),
    ...values.map(({ path, why }) => `| \`${path}\` | ${escapeCell(why)} |`),
    "",
  ].join("\n");
}

function* walk(root: Schema, schema: Schema, path: string, above: readonly Schema[]): Generator<Row> {
  const own = resolve(root, schema);
  if (above.includes(own)) return;
  const names = Object.entries(own.properties ?? {});
  for (const [name, inner] of names) {
    const at = path === "" ? name : `${path}.${name}`;
    const found = { ...resolve(root, inner), ...inner };
    yield { path: at, schema: found, isNeeded: own.required?.includes(name) ?? false };
    // Their fields are those of spec.containers.
    if (name !== "initContainers") yield* walk(root, inner, at, [...above, own]);
  }
  if (own.items !== undefined) yield* walk(root, own.items, `${path}[]`, [...above, own]);
}

function resolve(root: Schema, schema: Schema): Schema {
  const name = schema.$ref?.replace("#/$defs/", "");
  return name === undefined ? schema : (root.$defs?.[name] ?? schema);
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum !== undefined)
    return schema.enum.map((value) => (value === "" ? "empty" : `\`${value}\``)).join(", ");
  return [schema.type ?? "any"].flat().join(" or ");
}

function tellOf(schema: Schema): string {
  return escapeCell(schema.description ?? "");
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
