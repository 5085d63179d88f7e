import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { aTempDir } from "../../support/temp-dir.ts";

const home = join(import.meta.dirname, "../../..");
const unit = readFileSync(join(home, "scripts/systemd/peapod@.service"), "utf8");
const isThere = spawnSync("systemd-analyze", ["--version"]).error === undefined;

t.test(
  "systemd finds nothing wrong with the unit",
  { skip: isThere ? false : "there is no systemd-analyze" },
  async (t) => {
    // It looks for the programs, too.
    const file = join(aTempDir(t), "peapod@shop.service");
    writeFileSync(file, unit.replaceAll("/usr/local/bin/peapod", process.execPath));
    const said = execFileSync("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", file], {
      encoding: "utf8",
    });
    t.equal(said, "");
  },
);

t.test("docs/systemd.md explains every line of the service", async (t) => {
  const docs = readFileSync(join(home, "docs/systemd.md"), "utf8");
  const service = unit.split("[Service]\n")[1]?.split("\n[")[0] ?? "";
  const keys = service.split("\n").flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? []);
  t.ok(keys.length > 5);
  for (const key of keys) if (key !== "RestartSec") t.ok(docs.includes(`| \`${key}=`), key);
});
