import t from "tap";
import { parseOctalMode } from "../../../src/manifest/octal-mode.ts";
import { parseAnySource, parseSource } from "../../../src/manifest/source.ts";

t.test("modes are octal, other numbers are not", async (t) => {
  t.equal(parseOctalMode("/a/defaultMode", "0400"), 0o400);
  t.equal(parseOctalMode("/a/0/mode", "0o755"), 0o755);
  t.equal(parseOctalMode("/a/mode", "420"), undefined, "decimal as it stands");
  t.equal(parseOctalMode("/a/mode", "0999"), undefined);
  t.equal(parseOctalMode("/a/port", "0400"), undefined);
});

t.test("both readers of YAML read modes, and several plain documents, alike", async (t) => {
  for (const text of [
    "defaultMode: 0400\n",
    "a: {mode: 0640}\n",
    "---\na: 1\n---\nb: 2\n",
    "a: 1\n---\n# only a comment\n\nmode: 0o600\n---\n# the end\n",
    "a: |\n  x\n---\nb: 1\n",
  ]) {
    const told = (all: ReturnType<typeof parseAnySource>) => all.map(({ value, places }) => [value, [...places]]);
    t.strictSame(told(parseSource(text)), told(parseAnySource(text)), text);
  }
});
