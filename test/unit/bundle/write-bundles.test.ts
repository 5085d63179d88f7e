import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { writeBundles } from "../../../src/bundle/write-bundles.ts";
import { aPlan } from "../../support/planning.ts";

t.test("each container's config.json is written with mode 0600, and again to the same bytes", (t) => {
  const plan = aPlan({ containers: ["web", "db"] }, { root: t.testdir() });
  writeBundles(plan);
  for (const { paths } of plan.containers) {
    t.equal(statSync(paths.config).mode & 0o777, 0o600);
    t.equal(JSON.parse(readFileSync(paths.config, "utf8")).root.path, paths.rootfs);
    t.strictSame(readdirSync(paths.bundle), ["config.json"]);
  }
  const first = readFileSync(plan.containers[0]?.paths.config ?? "", "utf8");
  writeBundles(plan);
  t.equal(readFileSync(plan.containers[0]?.paths.config ?? "", "utf8"), first);
  t.end();
});

t.test("a failure in the middle leaves no config.json behind", (t) => {
  const plan = aPlan({ containers: ["web", "db"] }, { root: t.testdir() });
  mkdirSync(plan.paths.bundles, { recursive: true });
  writeFileSync(join(plan.paths.bundles, "db"), "in the way");
  t.throws(() => writeBundles(plan));
  t.notOk(existsSync(plan.containers[0]?.paths.config ?? ""));
  t.end();
});

t.test("only with user namespaces may others pass through our directories, and never look in", (t) => {
  const modes = (annotations: Record<string, string>) => {
    const plan = aPlan({ annotations }, { root: t.testdir() });
    mkdirSync(plan.paths.dir, { recursive: true, mode: 0o700 });
    writeBundles(plan);
    return [plan.paths.dir, plan.paths.bundles, plan.containers.at(-1)?.paths.bundle ?? ""].map((path) =>
      (statSync(path).mode & 0o777).toString(8),
    );
  };
  t.strictSame(modes({}), ["700", "700", "700"]);
  t.strictSame(modes({ "peapod/namespaces.web": "user=private,net=private,ipc=private,uts=private" }), [
    "711",
    "711",
    "711",
  ]);
  t.end();
});

t.test("the first process of a shared pid namespace gets an empty root file system", (t) => {
  const plan = aPlan({ annotations: { "peapod/share": "+pid" } }, { root: t.testdir() });
  writeBundles(plan);
  t.strictSame(readdirSync(plan.containers[0]?.paths.rootfs ?? ""), []);
  t.end();
});
