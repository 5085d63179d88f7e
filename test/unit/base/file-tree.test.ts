import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
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
  writeFileTree(dir, [{ path: "other", mode: 0o644, bytes: "" }]);
  t.equal(readFileSync(join(dir, "a"), "utf8"), "text", "what is whole stays");
});
