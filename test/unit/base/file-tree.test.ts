import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { writeFileTree } from "../../../src/base/file-tree.ts";

t.test("names lead through ..data, modes are as asked, and a half-written tree is made anew", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "pt-tree-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "..1/rest"), { recursive: true });
  writeFileSync(join(dir, "..1/rest/of"), "an earlier try");
  const files = [
    { path: "a", mode: 0o644, bytes: "text" },
    { path: "deep/er/b", mode: 0o400, bytes: Buffer.from([0, 1]) },
  ];
  writeFileTree(dir, files);
  t.same(readdirSync(dir).sort(), ["..1", "..data", "a", "deep"]);
  t.equal(readlinkSync(join(dir, "..data")), "..1");
  t.equal(readlinkSync(join(dir, "deep")), "..data/deep");
  t.equal(readFileSync(join(dir, "a"), "utf8"), "text");
  t.same([...readFileSync(join(dir, "deep/er/b"))], [0, 1]);
  t.equal(statSync(join(dir, "deep/er/b")).mode & 0o7777, 0o400);
  t.same(readdirSync(join(dir, "..1")).sort(), ["a", "deep"]);
});

t.test("another tree follows at one turn, whatever was left of an earlier try", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "pt-tree-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const file = (path: string, bytes: string, mode = 0o644) => ({ path, mode, bytes });
  writeFileTree(dir, [file("kept", "1"), file("deep/gone", "1")]);
  const inode = () => statSync(join(dir, "kept")).ino;
  const first = inode();
  writeFileTree(dir, [file("deep/gone", "1"), file("kept", "1")]);
  t.equal(inode(), first, "the same is not written again");
  const next = [file("kept", "2"), file("new", "2")];
  const look = () => readdirSync(dir).sort();
  const asAsked = (data: string) => {
    t.same(look(), ["..data", data, "kept", "new"].sort());
    t.equal(readlinkSync(join(dir, "..data")), data);
    t.same(
      ["kept", "new"].map((name) => readFileSync(join(dir, name), "utf8")),
      ["2", "2"],
    );
  };
  // As one leaves it that is killed while it writes, and one that is killed before the turn.
  mkdirSync(join(dir, "..2"));
  writeFileSync(join(dir, "..2/half"), "");
  symlinkSync("..data/new", join(dir, "new"));
  symlinkSync("..2", join(dir, "..data_new"));
  t.equal(readFileSync(join(dir, "kept"), "utf8"), "1");
  writeFileTree(dir, next);
  asAsked("..2");
  // And after it.
  mkdirSync(join(dir, "..1"));
  symlinkSync("..data/deep", join(dir, "deep"));
  rmSync(join(dir, "new"));
  writeFileTree(dir, next);
  asAsked("..2");
  writeFileTree(dir, [file("kept", "2", 0o600), file("new", "2")]);
  t.equal(statSync(join(dir, "kept")).mode & 0o7777, 0o600, "modes belong to it");
  asAsked("..3");
  writeFileTree(dir, []);
  t.same(look(), ["..4", "..data"]);
});

t.test(
  "whose it is belongs to it, and directories hand their group on",
  { skip: process.getuid?.() !== 0 },
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "pt-tree-"));
    t.teardown(() => rmSync(dir, { recursive: true, force: true }));
    const files = [{ path: "sub/a", mode: 0o440, bytes: "text" }];
    const groupOf = (gid: number) => {
      writeFileTree(dir, files, { uid: 0, gid, isGroup: true });
      const { gid: found, mode } = statSync(join(dir, "sub/a"));
      t.same([found, mode & 0o7777, statSync(join(dir, "sub")).mode & 0o7777], [gid, 0o440, 0o2755]);
    };
    groupOf(1234);
    groupOf(1235);
  },
);
