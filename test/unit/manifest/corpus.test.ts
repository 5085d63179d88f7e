// Each corpus/NAME.yaml is a nasty manifest; corpus/NAME.txt holds the faults that a user is shown, the first eight.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { PeapodError } from "../../../src/base/errors.ts";
import { formatFaults } from "../../../src/manifest/faults.ts";
import type { Fault } from "../../../src/manifest/manifest.ts";
import { parseManifest } from "../../../src/manifest/read-manifest.ts";

const corpus = join(import.meta.dirname, "corpus");
const SHOWN = 8;

function faultsIn(file: string): string {
  try {
    parseManifest(readFileSync(join(corpus, file), "utf8"), { file, baseDir: "/" });
  } catch (error) {
    if (!(error instanceof PeapodError) || error.code !== "BAD_MANIFEST") throw error;
    const faults = error.detail as Fault[];
    const more = faults.length > SHOWN ? [`... ${faults.length - SHOWN} more`] : [];
    return [formatFaults(faults.slice(0, SHOWN)), ...more, ""].join("\n");
  }
  return "no faults\n";
}

const names = readdirSync(corpus)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => file.slice(0, -".yaml".length));

t.ok(names.length >= 30, "the corpus is there");

for (const name of names) {
  t.test(`${name} is refused in the words of its .txt`, async (t) => {
    t.equal(faultsIn(`${name}.yaml`), readFileSync(join(corpus, `${name}.txt`), "utf8"));
  });
}
