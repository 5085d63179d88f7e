import t from "tap";
import { makeShortNames, resolveShortName } from "../../../../src/image/pull/short-names.ts";

const names = makeShortNames([
  { "unqualified-search-registries": ["docker.io", "quay.io"], aliases: { web: "quay.io/team/web" } },
  { aliases: { web: "ghcr.io/team/web", gone: "" } },
]);

t.test("an alias wins, a later file over an earlier; else each registry in turn", async (t) => {
  t.strictSame(resolveShortName("web:1", names), ["ghcr.io/team/web:1"]);
  t.strictSame(resolveShortName("nginx:1", names), ["docker.io/library/nginx:1", "quay.io/nginx:1"]);
  t.strictSame(resolveShortName("a/b:1", names), ["docker.io/a/b:1", "quay.io/a/b:1"]);
  t.strictSame(resolveShortName("gone:1", names).length, 2, "an alias that was taken back");
});

t.test("what is left open is an error, with a way out", async (t) => {
  t.throws(() => resolveShortName("nginx:1", makeShortNames([])), {
    code: "BAD_MANIFEST",
    hint: /docker.io\/library\/nginx:1/,
  });
  const strict = makeShortNames([
    { "unqualified-search-registries": ["a.io", "b.io"], "short-name-mode": "enforcing" },
  ]);
  t.throws(() => resolveShortName("nginx:1", strict), { message: /could be of a.io or b.io/ });
  const old = makeShortNames([{ registries: { search: { registries: ["c.io"] } } }]);
  t.strictSame(resolveShortName("nginx:1", old), ["c.io/nginx:1"]);
});
