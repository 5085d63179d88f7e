import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import { resolveInside } from "../../../src/base/resolve-inside.ts";
import { aTempDir } from "../../support/temp-dir.ts";

t.test("a path is resolved by the container's own links", (t) => {
  const root = aTempDir(t, { srv: { site: { page: "" } }, etc: { conf: "" } });
  symlinkSync("/srv/site", join(root, "absolute"));
  symlinkSync("../srv", join(root, "etc/relative"));
  symlinkSync("../../../../../../etc", join(root, "srv/climbing"));
  symlinkSync("ring", join(root, "ring"));
  for (const [path, expected] of [
    ["/srv/site/page", "/srv/site/page"],
    ["/absolute/page", "/srv/site/page"],
    ["/etc/relative/site", "/srv/site"],
    ["/srv/climbing/conf", "/etc/conf"],
    ["/../../etc/./conf", "/etc/conf"],
    ["/not/there/yet", "/not/there/yet"],
    ["/", "/"],
  ] as const) {
    t.equal(resolveInside(root, [], path), join(root, expected), path);
  }
  t.throws(() => resolveInside(root, [], "/ring/x"), { code: "BAD_MANIFEST" });
  t.end();
});

t.test("what is mounted stands in place of what lies below it, the nearest mount first", (t) => {
  const root = aTempDir(t, { data: { old: "" } });
  const other = aTempDir(t, { file: "" });
  symlinkSync("/data/inner/x", join(other, "link"));
  const mounts = [
    { destination: "/data", source: other },
    { destination: "/data/inner", source: "/elsewhere" },
  ];
  t.equal(resolveInside(root, mounts, "/data/file"), join(other, "file"));
  t.equal(resolveInside(root, mounts, "/data"), other);
  t.equal(resolveInside(root, mounts, "/data/inner/x"), "/elsewhere/x");
  t.equal(resolveInside(root, mounts, "/data/link"), "/elsewhere/x", "a link in a mount is the container's, too");
  t.equal(resolveInside(root, mounts, "/database"), join(root, "database"), "a name that begins alike is another");
  t.end();
});

t.test("no path and no link leads out of the container", (t) => {
  const root = aTempDir(t);
  const part = fc.constantFrom("..", ".", "a", "b", "up", "abs", "");
  mkdirSync(join(root, "a/b"), { recursive: true });
  symlinkSync("../../..", join(root, "a/up"));
  symlinkSync("/../../etc", join(root, "a/abs"));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const found = resolveInside(root, [], `/${parts.join("/")}`);
      return found === root || found === `${root}/` || found.startsWith(`${root}/`);
    }),
  );
  t.end();
});
