// The short way for plain texts has no opinion of its own: where it answers, the yaml package answers the same.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import t from "tap";
import { parsePlainSource } from "../../../src/manifest/plain-source.ts";
import { parseAnySource } from "../../../src/manifest/source.ts";
import { makeSpec } from "../../../src/manifest/spec-template.ts";
import { WHOLE_POD } from "./a-pod.ts";

function agrees(text: string): boolean {
  const plain = parsePlainSource(text);
  return plain === undefined || isDeepStrictEqual([plain], parseAnySource(text));
}

t.test("ordinary manifests are plain, and read the same both ways", async (t) => {
  for (const text of [WHOLE_POD, makeSpec(), `---\n${WHOLE_POD}`, `# a\n\n${WHOLE_POD}\n\n# b\n`]) {
    t.not(parsePlainSource(text), undefined);
    t.strictSame([parsePlainSource(text)], parseAnySource(text));
  }
});

t.test("each plain form is taken", async (t) => {
  for (const text of [
    "a: 1\n",
    "a: 1",
    "a:\n",
    "a:\n- x\n- y: 1\n  z: 2\nb: []\n",
    "a:\n    b: c # note\n    # note\n    d: 'it''s'\n",
    'a: "x\\n\\"y\\"" # note\n',
    "a: {b: c, d: [1, x y, 'z', \"w\"], e: {}}   # note\n",
    "a: |\n  x\n   y\n\n  z\n\nb: |-\n  # text\n  x: y\n",
    "- a\n".replace(/^/, "l:\n"),
    "a: rootfs:./x\nb: -f\nc: /bin/sh -c [x]\nd: 64Mi\ne: 0.25\nf: null\ng: true\nh: a#b\n",
  ]) {
    t.not(parsePlainSource(text), undefined, text);
    t.strictSame([parsePlainSource(text)], parseAnySource(text), text);
  }
});

t.test("what is unusual, doubtful or wrong is left to the yaml package", async (t) => {
  for (const text of [
    "",
    "a",
    "- a\n",
    "1: a\n",
    "a: yes\n",
    "no: a\n",
    "a: 0777\n",
    "a: 1e3\n",
    "a: &x 1\n",
    "a: *x\n",
    "a: !!str 1\n",
    "a: b: c\n",
    "a: 1\na: 2\n",
    "a: x\n  y\n",
    "a: >\n  x\n",
    "a: |+\n  x\n",
    "a: |2\n  x\n",
    "a: |\n x",
    "a: [b\n",
    "a: [b]c\n",
    "a: {b}\n",
    'a: "\\x41"\n',
    "a: 'x\n",
    "\ta: 1\n",
    "a:\t1\n",
    "a: 1\r\n",
    "a: 1\n---\nb: 1\n",
    "%YAML 1.2\n---\na: 1\n",
    "a: 1\n  b: 2\n",
    "  a: 1\nb: 2\n",
    "a:\n  b: 1\n c: 2\n",
    "? a\n",
    "a: - b\n",
    "- - a\n",
    "<<: a\n",
    "a: 1\u2028\n",
    "a: TRUE\n",
    "a: 12345678901234567890\n",
  ]) {
    t.equal(parsePlainSource(text), undefined, encodeURI(text));
  }
});

t.test("the nasty corpus reads the same both ways", async (t) => {
  const corpus = join(import.meta.dirname, "corpus");
  for (const file of readdirSync(corpus)) t.ok(agrees(readFileSync(join(corpus, file), "utf8")), file);
});

const pieces = [
  "a",
  "b: ",
  "c:\n",
  "- ",
  "\n",
  "\n  ",
  "\n    ",
  "\n- ",
  " ",
  "{",
  "}",
  "[",
  "]",
  ", ",
  ",",
  "'",
  '"',
  " #",
  "#",
  "|\n",
  "|-\n",
  "1",
  "0.5",
  "-",
  ":",
  ".",
  "null",
  "true",
  "x y",
  "\\n",
  "é",
  "/",
  "~",
  "=",
  "---\n",
  "e: f\n",
  "  g: h\n",
  "- i: j\n",
  "  - k\n",
];

t.test("texts of YAML's own pieces read the same both ways", async (t) => {
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 25 }).map((parts) => parts.join(""));
  fc.assert(fc.property(text, agrees), { numRuns: 3000 });
  fc.assert(
    fc.property(text, (rest) => agrees(`a: ${rest}`)),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(text, (rest) => agrees(`a:\n  - ${rest}\n`)),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(text, (rest) => agrees(`a: |\n  ${rest}\nb: c\n`)),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(text, (rest) => agrees(`a: [${rest.replaceAll("\n", "")}]\nb: {c: ${rest.replaceAll("\n", "")}}\n`)),
    { numRuns: 3000 },
  );
  t.pass();
});

t.test("a pod with pieces put in or lines changed reads the same both ways", async (t) => {
  const base = fc.constantFrom(WHOLE_POD, makeSpec());
  fc.assert(
    fc.property(
      base,
      fc.nat({ max: 2000 }),
      fc.constantFrom(...pieces),
      fc.nat({ max: 6 }),
      (text, at, piece, lose) => {
        const offset = at % text.length;
        return agrees(text.slice(0, offset) + piece + text.slice(offset + lose));
      },
    ),
    { numRuns: 2000 },
  );
  t.pass();
});

t.test("every single value reads the same both ways", async (t) => {
  const value = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."aAeExXoO01789.+-_:/ #'\"nrulfs~%@&*!|>?,[]{}=<"), maxLength: 8 }),
    fc.string({ maxLength: 6 }),
    fc.json({ maxDepth: 2 }),
  );
  fc.assert(
    fc.property(value, (text) => agrees(`a: ${text}\nb:\n  - ${text}\n`)),
    { numRuns: 4000 },
  );
  fc.assert(
    fc.property(value, (text) => agrees(`a: {b: ${text}, c: [${text}, x]}\n`)),
    { numRuns: 4000 },
  );
  fc.assert(
    fc.property(value, (text) => agrees(`${text}: x\n`)),
    { numRuns: 2000 },
  );
  t.pass();
});
