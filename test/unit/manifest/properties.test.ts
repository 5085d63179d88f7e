// Whatever is thrown at the reader: a manifest or one BAD_MANIFEST, whose faults lie inside the file.

import fc from "fast-check";
import t from "tap";
import { faultsOf, WHOLE_POD } from "./a-pod.ts";

function hasReadableFaults(text: string): boolean {
  const lines = text.split("\n");
  return faultsOf(text).every(({ line, column, message }) => {
    const inside = line >= 1 && line <= lines.length && column >= 1 && column <= (lines[line - 1] ?? "").length + 1;
    return inside && message !== "" && !message.includes("\n");
  });
}

t.test("any text is read or refused", async (t) => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), hasReadableFaults));
  t.pass();
});

t.test("any text of YAML's own characters is read or refused", async (t) => {
  const pieces = [
    "a",
    ": ",
    "- ",
    "\n",
    "  ",
    "\t",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a ",
    "*a",
    "!!str ",
    "!x ",
    "|",
    ">",
    "'",
    '"',
    "#",
    "%",
    "---\n",
    "...\n",
    "? ",
    "<<: ",
    "~",
    "1",
    "kind: Pod\n",
  ];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => parts.join("")),
      hasReadableFaults,
    ),
    { numRuns: 500 },
  );
  t.pass();
});

t.test("any JSON is read or refused", async (t) => {
  fc.assert(fc.property(fc.json({ maxDepth: 5 }), hasReadableFaults));
  t.pass();
});

t.test("a pod with any value in the place of any of its own is read or refused", async (t) => {
  const lines = WHOLE_POD.split("\n");
  const values = fc.oneof(
    fc.json({ maxDepth: 2 }),
    fc.constantFrom("", "yes", "0777", "~", "*x", "&x 1", "!!binary aGk=", "-1", "1e400", "[[]]", "{a: {}}"),
  );
  fc.assert(
    fc.property(fc.nat({ max: lines.length - 1 }), values, (index, value) => {
      const mutated = lines.map((line, at) => (at === index ? line.replace(/:( .*)?$/, () => `: ${value}`) : line));
      return hasReadableFaults(mutated.join("\n"));
    }),
    { numRuns: 500 },
  );
  t.pass();
});

t.test("a pod with lines lost, doubled, moved in or cut is read or refused", async (t) => {
  const lines = WHOLE_POD.split("\n");
  const edits = fc.array(
    fc.tuple(fc.constantFrom("lose", "double", "indent", "cut"), fc.nat({ max: lines.length - 1 })),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(edits, fc.nat({ max: 20 }), (list, column) => {
      const edited = [...lines];
      for (const [how, index] of list) {
        const line = edited[index] ?? "";
        if (how === "lose") edited.splice(index, 1);
        else if (how === "double") edited.splice(index, 0, line);
        else edited[index] = how === "indent" ? ` ${line}` : line.slice(0, column);
      }
      return hasReadableFaults(edited.join("\n"));
    }),
    { numRuns: 500 },
  );
  t.pass();
});
