import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { EXAMPLES, exampleNames, makeGolden } from "../../../scripts/golden.ts";

t.test("every example's bundles are what its expected files say", (t) => {
  const names = exampleNames();
  t.ok(names.length >= 9, `${names.length} examples`);
  for (const example of names) {
    const golden = makeGolden(example);
    for (const [file, text] of golden) {
      const expected = existsSync(file) ? readFileSync(file, "utf8") : "no such file";
      t.equal(text, expected, `${file.slice(EXAMPLES.length + 1)} (node scripts/update-golden.ts makes it anew)`);
    }
    const there = readdirSync(join(EXAMPLES, example, "expected")).map((name) =>
      join(EXAMPLES, example, "expected", name),
    );
    t.strictSame(there.sort(), [...golden.keys()].sort(), `${example}: no file of a container that is gone`);
  }
  t.end();
});

t.test("every example opens with a paragraph of comment", (t) => {
  for (const example of exampleNames()) {
    t.match(readFileSync(join(EXAMPLES, example, "pod.yaml"), "utf8"), /^# [A-Z].*\n(# .*\n)+apiVersion:/, example);
  }
  t.end();
});
