import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { giveToGroup, isOfGroup } from "../../../../src/host/cgroups/group-tree.ts";

t.test(
  "the group may do what the owner may, and no link is followed",
  { skip: process.getuid?.() !== 0 && "needs root" },
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "pt-group-"));
    t.teardown(() => rmSync(dir, { recursive: true, force: true }));
    const volume = join(dir, "volume");
    mkdirSync(join(volume, "sub"), { recursive: true });
    writeFileSync(join(dir, "outside"), "", { mode: 0o600 });
    for (const file of ["file", "sub/script"]) writeFileSync(join(volume, file), "");
    chmodSync(join(volume, "file"), 0o600);
    chmodSync(join(volume, "sub/script"), 0o700);
    symlinkSync("../outside", join(volume, "link"));
    t.notOk(isOfGroup(volume, 4321));
    giveToGroup(volume, 4321);
    t.ok(isOfGroup(volume, 4321));
    const told = (path: string) =>
      `${(lstatSync(join(volume, path)).mode & 0o7777).toString(8)} ${lstatSync(join(volume, path)).gid}`;
    t.equal(told("file"), "660 4321");
    t.equal(told("sub"), "2775 4321");
    t.equal(told("sub/script"), "760 4321");
    t.equal(lstatSync(join(volume, "link")).gid, 4321);
    t.match(statSync(join(dir, "outside")), { gid: 0 });
    t.equal(statSync(join(dir, "outside")).mode & 0o777, 0o600);
  },
);
