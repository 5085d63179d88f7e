// docs/manifest.md, from schemas/pod.schema.json. scripts/generate-docs.ts writes it, a test compares.

import { readFileSync } from "node:fs";
import { IDLE_VALUES } from "../src/manifest/normal-document.ts";

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
  /** Where the fields inside were told of before. */
  readonly as: string | undefined;
}

const OPENING = `# The manifest

<!-- Made by \`node scripts/generate-docs.ts\` from schemas/pod.schema.json; changes made here are lost. -->

A Kubernetes v1 Pod, as YAML or JSON; of several documents in one file exactly one must be a Pod, and the others ConfigMaps and
Secrets ([volumes.md](volumes.md) tells of them, and of volumes and the environment). \`peapod spec\` prints a manifest
to begin with.

Every field of Kubernetes' v1 Pod is of one of three kinds:

- **[supported](#supported)**: it does what Kubernetes says;
- **[refused](#refused)**: it would make sense here, and peapod does not do it;
- **[not meant for one machine](#not-meant-for-one-machine)**: it needs a cluster: a scheduler, controllers, accounts, storage that
  somebody attaches.

A manifest with a field of the other two kinds is not run without it: it is refused, with the reason and what to do instead. What
nobody knows is refused with the nearest name that there is. All faults are told at once, each with file, line and column; only what
the values of \`peapod/\` annotations mean is looked at when all else is right, and told one at a time.

A field without a value (\`env:\`, \`env: null\`) counts as absent, as in the Kubernetes API, whatever its name; of a volume too, where
\`emptyDir:\` needs its \`{}\`. So does a key of a ConfigMap's or Secret's data, and a label or an annotation, which the API reads as empty texts. An item of a list must
have a value. Anchors, aliases and merge keys (\`<<: *base\`) are read; a fault in what they bring is told where that stands.
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
| \`peapod/networks\` | the networks that the pod is attached to, in podman's words: \`blue, green:ip=10.1.0.5,interface_name=eth7\`; or \`none\`, \`host\`, \`netns:PATH\` ([networks.md](networks.md)) |
| \`peapod/publish\` | ports of the host that lead to the pod, beside \`hostPort\`: \`8080:80, 127.0.0.1:53:53/udp\` |
| \`peapod/logAttempts\` | of how many attempts a container's logs are kept; 10 unless told |
| \`peapod/logMaxSize\` | how large a container's log grows before another file is begun: \`10Mi\` unless told; \`0\`: no limit |
| \`peapod/logMaxFiles\` | how many files a container's log has altogether; 5 unless told |
| \`peapod/keptEvents\` | how many of its last events the pod surely keeps for followers; 1000 unless told ([events.md](events.md)) |
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

/** The fields of the first section, and for those whose inside is told of elsewhere, where. */
export function supportedFields(): Map<string, string | undefined> {
  const rows = allRows().filter(({ schema }) => schema["x-refused"] === undefined);
  return new Map(rows.map(({ path, as }) => [path, as]));
}

function allRows(): Row[] {
  const root = JSON.parse(readFileSync(new URL("../schemas/pod.schema.json", import.meta.url), "utf8")) as Schema;
  return [...walk(root, root, "", new Map())];
}

export function makeManifestDocs(): string {
  const rows = allRows();
  const supported = rows.filter(({ schema }) => schema["x-refused"] === undefined);
  const values = supported.flatMap(({ path, schema }) =>
    Object.entries(schema["x-refused-values"] ?? {}).map(([value, why]) => ({ path: `${path}: ${value}`, why })),
  );
  const fields = rows.flatMap(({ path, schema: { "x-refused": why } }) => (why === undefined ? [] : [{ path, why }]));
  const refused = [...fields, ...values];
  return [
    OPENING,
    "## Supported\n",
    "| field | type | |",
    "| --- | --- | --- |",
    ...supported.map(
      (row) => `| \`${row.path}\`${row.isNeeded ? " *" : ""} | ${typeOf(row.schema)} | ${tellOf(row)} |`,
    ),
    "\n\\* must be there.\n",
    ANNOTATIONS,
    "## Refused\n",
    ...makeRefusals(refused, /^not supported( yet)?: /),
    "\n## Not meant for one machine\n",
    tellIdle(),
    ...makeRefusals(refused, /^not meant for one machine: /),
    "",
  ].join("\n");
}

function tellIdle(): string {
  const words = Object.entries(IDLE_VALUES).flatMap(([pointer, values]) =>
    values.map((value) => `\`${pointer.slice(1).replaceAll("/", ".")}: ${formatFlow(value)}\``),
  );
  return `What asks for nothing counts as absent, since clusters and Helm write it by themselves: ${words.join(", ")}.\n`;
}

/** YAML on one line. */
function formatFlow(value: unknown): string {
  return JSON.stringify(value).replaceAll('"', "").replace(":", ": ");
}

/** The sections' names are the messages' own first words, and need not be said again. */
function makeRefusals(refused: readonly { readonly path: string; readonly why: string }[], kind: RegExp): string[] {
  const rows = refused.filter(({ why }) => kind.test(why));
  const cells = rows.map(({ path, why }) => `| \`${path}\` | ${escapeCell(why.replace(kind, ""))} |`);
  return ["| field | why, and what to do |", "| --- | --- |", ...cells];
}

/** What is inside a part of the schema that several fields refer to is told where it comes first (`told`: where that was). */
function* walk(root: Schema, schema: Schema, path: string, told: Map<Schema, string>): Generator<Row> {
  const own = resolve(root, schema);
  for (const [name, inner] of Object.entries(own.properties ?? {})) {
    const at = path === "" ? name : `${path}.${name}`;
    const found = { ...resolve(root, inner), ...inner };
    const [part, place] = found.items === undefined ? [inner, at] : [found.items, `${at}[]`];
    const shared = part.$ref === undefined ? undefined : resolve(root, part);
    const as = shared?.properties === undefined ? undefined : told.get(shared);
    yield { path: at, schema: found, isNeeded: own.required?.includes(name) ?? false, as };
    if (as !== undefined) continue;
    if (shared !== undefined) told.set(shared, place);
    yield* walk(root, part, place, told);
  }
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

function tellOf({ schema, as }: Row): string {
  const inside = as === undefined ? "" : ` Inside it is as \`${as}\`.`;
  return `${escapeCell(schema.description ?? "")}${inside}`.trim();
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
