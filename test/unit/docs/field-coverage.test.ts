// Each field that docs/manifest.md calls supported has a case that runs for real: it stands in the manifest of an example,
// all of which test/integration/examples.test.ts runs, or in a test that this table names.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parseAllDocuments } from "yaml";
import { EXAMPLES, exampleNames } from "../../../scripts/golden.ts";
import { supportedFields } from "../../../scripts/manifest-docs.ts";

/** Field, or the field above those meant, to a file of test/integration and the beginning of a test's sentence. */
const ELSEWHERE: Readonly<Record<string, string>> = {
};

const insides = supportedFields();
const fields = [...insides.keys()];

t.test("each supported field is exercised by an example or by a test that runs it", async (t) => {
  const inExamples = fieldsOfExamples();
  const missing = fields.filter((field) => !inExamples.has(field) && ELSEWHERE[field] === undefined);
  t.same(missing, [], "has no case in the suite");
  const needless = Object.keys(ELSEWHERE).filter((field) => !fields.includes(field) || inExamples.has(field));
  t.same(needless, [], "is in the table for nothing");
});

t.test("the tests that the table names are there, and speak of the field", async (t) => {
  for (const [field, where] of Object.entries(ELSEWHERE)) {
    const [file = "", sentence = ""] = where.split(": ");
    const text = readFileSync(new URL(`../../integration/${file}.test.ts`, import.meta.url), "utf8");
    const name = field.replace(/^.*\./, "");
    t.ok(text.includes(`"${sentence}`), `${file} has a test "${sentence}"`);
    t.match(text, new RegExp(`\\b${name}\\b`), `${file} speaks of ${name}`);
  }
});

function fieldsOfExamples(): Set<string> {
  const found = new Set<string>();
  for (const example of exampleNames()) {
    const documents = parseAllDocuments(readFileSync(join(EXAMPLES, example, "pod.yaml"), "utf8"));
    for (const document of documents) {
      const value = document.toJS();
      if (value.kind === "Pod") collect(value, "", found);
    }
  }
  return found;
}

/** As docs/manifest.md calls them: what is inside of a part that stands in several places has the name of the first. */
function collect(value: unknown, path: string, found: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) collect(item, path, found);
  else if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      const at = path === "" ? name : `${path}.${name}`;
      found.add(at);
      collect(inner, insides.get(at) ?? (Array.isArray(inner) ? `${at}[]` : at), found);
    }
  }
}
