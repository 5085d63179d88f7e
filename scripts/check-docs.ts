// Fails where a document is no longer true: a link to a file that is not there, a command line that is not the one in
// the code, an error code that no document explains.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ERROR_CODES } from "../src/base/errors.ts";
import { makeCliDocs } from "../src/doors/cli/docs.ts";

const home = fileURLToPath(new URL("..", import.meta.url));
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
/** Names of our own files, as text names them: `src/state/fold.ts`. */
const FILE = /`((?:src|docs|scripts|schemas|test|bundles)\/[\w./-]+\.\w+)`/g;

function main(): void {
  const documents = findDocuments();
  const faults = [...documents.flatMap(findDeadNames), ...findStaleCli(), ...findUnexplainedCodes(documents)];
  for (const fault of faults) process.stdout.write(`${fault}\n`);
  if (faults.length > 0) process.exitCode = 1;
}

function findDocuments(): string[] {
  const inDocs = readdirSync(join(home, "docs"), { recursive: true, encoding: "utf8" }).map((name) => `docs/${name}`);
  return [...readdirSync(home), ...inDocs].filter((name) => name.endsWith(".md")).sort();
}

function findDeadNames(document: string): string[] {
  const text = readFileSync(join(home, document), "utf8");
  const links = [...text.matchAll(LINK)]
    .map((match) => (match[1] ?? "").replace(/#.*$/, ""))
    .filter((link) => link !== "" && !/^[a-z]+:/.test(link))
    .map((link) => ({ name: link, path: join(home, dirname(document), link) }));
  const files = [...text.matchAll(FILE)].map((match) => ({ name: match[1] ?? "", path: join(home, match[1] ?? "") }));
  return [...links, ...files]
    .filter(({ path }) => !existsSync(path))
    .map(({ name }) => `${document}: names ${name}, which is not there`);
}

function findStaleCli(): string[] {
  if (readFileSync(join(home, "docs", "cli.md"), "utf8") === makeCliDocs()) return [];
  return ["docs/cli.md: is not what the code says; run node scripts/generate-docs.ts"];
}

function findUnexplainedCodes(documents: readonly string[]): string[] {
  const rows = documents
    .flatMap((document) => readFileSync(join(home, document), "utf8").split("\n"))
    .filter((line) => line.startsWith("| `"));
  return ERROR_CODES.filter((code) => !rows.some((row) => row.startsWith(`| \`${code}\` |`))).map(
    (code) => `docs: no table has a row for the error code ${code}`,
  );
}

main();
