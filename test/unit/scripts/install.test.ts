// What is built is what is installed: a caller who is told of peapod-oci must find it.

import { readFileSync } from "node:fs";
import t from "tap";

const read = (path: string) => readFileSync(new URL(`../../../scripts/${path}`, import.meta.url), "utf8");

t.test("scripts/install puts every program in place that scripts/build.ts makes, and takes each away", async (t) => {
  const built = [...read("build.ts").matchAll(/program: "([\w-]+)"/g)].map((match) => match[1]);
  const installed = /^programs="([^"]+)"$/m.exec(read("install"))?.[1]?.split(" ") ?? [];
  t.ok(built.includes("peapod-oci"));
  t.same([...installed].sort(), [...built, "peapod"].sort());
  t.equal(installed.at(-1), "peapod", "what it needs is there before it");
});
