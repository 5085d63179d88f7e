import { readFileSync } from "node:fs";
import t from "tap";
import { makeManifestDocs } from "../../../scripts/manifest-docs.ts";
import { knownAnnotations } from "../../../src/manifest/annotations.ts";

const text = readFileSync(new URL("../../../docs/manifest.md", import.meta.url), "utf8");

t.test("docs/manifest.md is what the schema makes (node scripts/generate-docs.ts writes it)", async (t) => {
  t.equal(text, makeManifestDocs());
});

t.test("docs/manifest.md names every annotation", async (t) => {
  const rows = [...text.matchAll(/^\| `(peapod\/[^`]+)` \|/gm)].map((match) => match[1]);
  t.same(rows.sort(), [...knownAnnotations(["CONTAINER"])].sort());
});
