import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { quote } from "../../../src/bundle/shell-words.ts";
import { makeUpScript } from "../../../src/bundle/up-script.ts";
import { writeStandaloneBundles } from "../../../src/bundle/write-standalone-bundles.ts";
import { aPlan } from "../../support/planning.ts";

const WORDS = {
  annotations: {
    "peapod/share": "+pid",
    "peapod/namespaces.web": "uts=container:db",
    "peapod/namespaces.db": "uts=private",
  },
  spec: { volumes: [{ name: "h", hostPath: { path: "/srv/it's here", type: "DirectoryOrCreate" } }] },
  containers: ["web", "db"],
};

t.test("everything lies in the directory and names no other place of ours", (t) => {
  const dir = join(t.testdir(), "out");
  const there = writeStandaloneBundles(aPlan(WORDS), dir);
  t.strictSame(readdirSync(dir).sort(), ["bundles", "down.sh", "files", "up.sh"]);
  t.strictSame(readdirSync(join(dir, "bundles")).sort(), ["_pause", "db", "web"]);
  for (const name of ["bundles/web/config.json", "up.sh", "down.sh"]) {
    t.notMatch(readFileSync(join(dir, name), "utf8"), /\/run\/peapod/, name);
  }
  const config = JSON.parse(readFileSync(join(dir, "bundles/web/config.json"), "utf8"));
  t.equal(config.root.path, join(dir, "bundles/web/rootfs"));
  t.match(
    config.linux.namespaces.find((one: { type: string }) => one.type === "network"),
    { path: join(dir, "ns/pod-net") },
  );
  t.match(config.linux.cgroupsPath, /^\/peapod-[0-9a-f]{8}\/shop\/web$/, "not the cgroup of a pod of ours");
  t.equal(there.paths.dir, dir);
  t.equal(statSync(join(dir, "up.sh")).mode & 0o777, 0o700);
  t.end();
});

t.test("a directory with something in it is left alone", (t) => {
  const dir = t.testdir({ mine: "precious" });
  t.throws(() => writeStandaloneBundles(aPlan(), dir), { code: "ALREADY_EXISTS" });
  t.strictSame(readdirSync(dir), ["mine"]);
  const file = join(dir, "mine");
  t.throws(() => writeStandaloneBundles(aPlan(), file), { code: "ALREADY_EXISTS" });
  t.end();
});

t.test("an empty directory is filled, a failure leaves nothing", (t) => {
  const parent = t.testdir({ out: {} });
  writeStandaloneBundles(aPlan(), join(parent, "out"));
  t.ok(existsSync(join(parent, "out", "up.sh")));
  writeFileSync(join(parent, "file"), "");
  t.throws(() => writeStandaloneBundles(aPlan(), join(parent, "file", "out")));
  t.strictSame(readdirSync(parent).sort(), ["file", "out"]);
  mkdirSync(join(parent, "again"));
  t.end();
});

t.test("paths are quoted for the shell", (t) => {
  t.equal(quote("/plain/path.x"), "/plain/path.x");
  t.equal(quote("it's $HOME"), `'it'\\''s $HOME'`);
  const plan = aPlan(WORDS);
  t.match(makeUpScript(plan, plan.paths.dir), `install -d -m 0755 '/srv/it'\\''s here'`);
  t.end();
});
