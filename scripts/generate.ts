// Turns each schemas/NAME.schema.json into src/generated: NAME.cjs (says yes or no, and needs no ajv at run time),
// NAME.faults.cjs (says all that is wrong: four times the size), NAME.ts (the type), and validators.ts, through which each of them is loaded only when it is first asked for.
// The same schemas give the same bytes; nothing is done when nothing changed.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CodeKeywordDefinition } from "ajv";
import type { JSONSchema } from "json-schema-to-typescript";

const home = fileURLToPath(new URL("..", import.meta.url));
const schemaDir = join(home, "schemas");
const outDir = join(home, "src", "generated");
const stampFile = join(outDir, "stamp");
const SUFFIX = ".schema.json";

interface Source {
  readonly name: string;
  readonly text: string;
}

type SchemaObject = Record<string, unknown>;

/** Notes for whoever turns an error into a sentence (src/base/validate.ts); they never decide. */
const NOTES = ["x-message", "x-missing", "x-refused-values"];

/** A field that is known and not taken: its mere presence is an error, with the keyword's text. */
const REFUSED: CodeKeywordDefinition = {
  keyword: "x-refused",
  schemaType: "string",
  code: (context) => context.error(),
};

/** A right value, the usual case, is waited for by a pod's first container: it must not pay for sentences. */
const DETAIL = {
  ".cjs": { allErrors: false, verbose: false, messages: false },
  ".faults.cjs": { allErrors: true, verbose: true, messages: true },
};

const LENIENT = { allowUnionTypes: true, strictRequired: false, strictTypes: false };

async function main(): Promise<void> {
  const sources = readSources();
  const stamp = makeStamp(sources);
  if (readIfAny(stampFile) === stamp) return;
  const outputs = new Map([
    ...(await makeValidators(sources)),
    ...(await makeTypes(sources)),
    ...makeRegistry(sources),
  ]);
  mkdirSync(outDir, { recursive: true });
  rmSync(stampFile, { force: true });
  for (const [file, text] of outputs) writeWhole(join(outDir, file), text);
  for (const file of readdirSync(outDir)) {
    if (/\.(ts|cts|cjs)$/.test(file) && !outputs.has(file)) rmSync(join(outDir, file), { force: true });
  }
  writeWhole(stampFile, stamp);
}

function readSources(): Source[] {
  return readdirSync(schemaDir)
    .filter((file) => file.endsWith(SUFFIX))
    .sort()
    .map((file) => ({ name: file.slice(0, -SUFFIX.length), text: readFileSync(join(schemaDir, file), "utf8") }));
}

/** Names all that the outputs depend on: the schemas, this file, and the versions that package-lock.json fixes. */
function makeStamp(sources: readonly Source[]): string {
  const hash = createHash("sha256");
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  hash.update(readIfAny(join(home, "package-lock.json")) ?? "");
  for (const { name, text } of sources) hash.update(`${name}\0${text.length}\0${text}`);
  return `${hash.digest("hex")}\n`;
}

async function makeValidators(sources: readonly Source[]): Promise<Map<string, string>> {
  const [{ Ajv2020 }, { default: standalone }, { buildSync }] = await Promise.all([
    import("ajv/dist/2020.js"),
    import("ajv/dist/standalone/index.js"),
    import("esbuild"),
  ]);
  const outputs = new Map<string, string>();
  for (const [suffix, options] of Object.entries(DETAIL)) {
    const ajv = new Ajv2020({ ...options, ...LENIENT, code: { source: true, optimize: 1 } });
    for (const note of NOTES) ajv.addKeyword(note);
    ajv.addKeyword(REFUSED);
    const schemas = sources.map(({ name, text }) => {
      const schema = JSON.parse(text) as SchemaObject;
      return { name, schema: options.verbose ? schema : (withoutWords(schema) as SchemaObject) };
    });
    for (const { schema } of schemas) ajv.addSchema(schema);
    for (const { name, schema } of schemas) {
      const { $id } = schema;
      const validate = typeof $id === "string" ? ajv.getSchema($id) : undefined;
      if (validate === undefined) throw new Error(`schemas/${name}${SUFFIX}: has no $id`);
      // The standalone code still requires ajv's runtime helpers: bundled, so that the file needs nothing.
      const [bundle] = buildSync({
        stdin: { contents: standalone.default(ajv, validate), resolveDir: home },
        bundle: true,
        minify: true,
        format: "cjs",
        platform: "node",
        target: "node24",
        write: false,
        logLevel: "warning",
      }).outputFiles;
      outputs.set(`${name}${suffix}`, bundle?.text ?? "");
    }
  }
  return outputs;
}

/** A schema that decides the same with less text: what it says to people goes, and a refused field is an unknown one. */
function withoutWords(value: unknown, isNaming = false): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutWords(item));
  if (typeof value !== "object" || value === null) return value;
  const isClosed = (value as SchemaObject).additionalProperties === false;
  const kept = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    if (!isNaming && WORDS.includes(key)) return [];
    const isMap = !isNaming && NAMING.includes(key);
    if (isMap && isClosed && key !== "$defs") {
      const taken = Object.entries(inner as SchemaObject).filter(([, field]) => !isRefused(field));
      return [[key, withoutWords(Object.fromEntries(taken), true)]];
    }
    return [[key, key === "enum" || key === "const" ? inner : withoutWords(inner, isMap)]];
  });
  return Object.fromEntries(kept);
}

const WORDS = ["$comment", "title", "description", "examples", ...NOTES];
/** Under these keywords the keys are names of the schema's author, not keywords. */
const NAMING = ["properties", "patternProperties", "$defs", "dependentSchemas"];

async function makeTypes(sources: readonly Source[]): Promise<Map<string, string>> {
  const { compile } = await import("json-schema-to-typescript");
  const outputs = new Map<string, string>();
  for (const { name, text } of sources) {
    const schema = dropRefused(JSON.parse(text)) as JSONSchema;
    const types = await compile(schema, name, {
      bannerComment: "",
      format: false,
      cwd: schemaDir,
      ignoreMinAndMaxItems: true,
    });
    outputs.set(`${name}.ts`, `// From schemas/${name}${SUFFIX} by scripts/generate.ts.\n\n${types}`);
  }
  return outputs;
}

/** A refused field is no part of a type, and conditions on the presence of others only confuse the compiler of types. */
function dropRefused(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropRefused);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key, inner]) => !isCondition(key, inner) && !isRefused(inner));
  return Object.fromEntries(kept.map(([key, inner]) => [key, dropRefused(inner)]));
}

function isRefused(schema: unknown): boolean {
  return typeof schema === "object" && schema !== null && "x-refused" in schema;
}

function isCondition(key: string, inner: unknown): boolean {
  if (key === "dependentSchemas") return true;
  return (
    (key === "oneOf" || key === "anyOf") &&
    Array.isArray(inner) &&
    inner.every((branch) => Object.keys(branch as object).every((word) => word === "required"))
  );
}

/** CommonJS, since only its `require` is both lazy and synchronous, in Node itself as in a bundle. */
function makeRegistry(sources: readonly Source[]): Map<string, string> {
  const load = (file: string): string => `() => require("./${file}")`;
  const loaders = sources
    .map(({ name }) => {
      return `  ${JSON.stringify(name)}: { quick: ${load(`${name}.cjs`)}, thorough: ${load(`${name}.faults.cjs`)} },\n`;
    })
    .join("");
  const names = sources.map(({ name }) => `  | ${JSON.stringify(name)}`).join("\n");
  const types = `import type { ErrorObject } from "ajv";
import loaders from "./validators.cjs";

export type SchemaName =
${names};

/** One of ajv's errors, with the schema and the data that it is about. */
export type Problem = ErrorObject;

export interface Validator {
  (value: unknown): boolean;
  errors?: Problem[] | null;
}

/** The quick one says yes or no, the thorough one all that is wrong. */
export interface Validators {
  readonly quick: () => Validator;
  readonly thorough: () => Validator;
}

export const validators: Readonly<Record<SchemaName, Validators>> = loaders;
`;
  return new Map([
    ["validators.cjs", `module.exports = {\n${loaders}};\n`],
    ["validators.d.cts", "declare const loaders: any;\nexport = loaders;\n"],
    ["validators.ts", types],
  ]);
}

/** Two may generate at once: each file is whole at every moment. */
function writeWhole(path: string, text: string): void {
  const side = `${path}.${process.pid}.tmp`;
  writeFileSync(side, text);
  renameSync(side, path);
}

function readIfAny(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

await main();
