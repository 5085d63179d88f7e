// Writes bundles/examples/NAME/expected/CONTAINER.config.json anew. Look at the difference before you commit it: it is
// what every user's containers will see.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { EXAMPLES, exampleNames, makeGolden } from "./golden.ts";

// All are made before any is removed: an example that cannot be planned leaves the others' files alone.
const all = exampleNames().map((example) => ({ example, files: makeGolden(example) }));

for (const { example, files } of all) {
  rmSync(join(EXAMPLES, example, "expected"), { recursive: true, force: true });
  for (const [file, text] of files) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
