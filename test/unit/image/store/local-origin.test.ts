import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { findInIndex, readLocalOrigin } from "../../../../src/image/store/local-origin.ts";

const index = (...tags: string[]) =>
  JSON.stringify({
    manifests: tags.map((tag) => ({
      digest: `sha256:${tag}`,
      annotations: { "org.opencontainers.image.ref.name": tag },
    })),
  });

t.test("a layout's origin is the digest under the tag, or the only one", async (t) => {
  t.equal(findInIndex(index("a", "b"), "b"), "sha256:b");
  t.equal(findInIndex(index("a"), undefined), "sha256:a");
  t.equal(findInIndex(index("a", "b"), undefined), undefined);
  t.equal(findInIndex(index("a", "a"), "a"), undefined);
  t.equal(findInIndex(undefined, "a"), undefined);
});

t.test("an archive's origin changes with it; what cannot be told is undefined", async (t) => {
  const dir = t.testdir({ "a.tar": "one" });
  const read = () => readLocalOrigin("docker-archive", join(dir, "a.tar:shop:1"));
  const first = read();
  t.match(first, /^file /);
  t.equal(read(), first);
  utimesSync(join(dir, "a.tar"), 1, 1);
  t.not(read(), first);
  t.equal(readLocalOrigin("oci-archive", join(dir, "none")), undefined);
  mkdirSync(join(dir, "oci"));
  writeFileSync(join(dir, "oci/index.json"), "{");
  t.equal(readLocalOrigin("oci", join(dir, "oci")), undefined);
});
