import fc from "fast-check";
import t from "tap";
import { isImageName, isImageReference } from "../../../src/base/image-reference.ts";

const DIGEST = `sha256:${"0a".repeat(32)}`;

t.test("what registries and builders take for a name is one", async (t) => {
  for (const name of [
    "nginx",
    "nginx:1.27",
    "library/nginx",
    "docker.io/library/nginx:latest",
    "localhost/web-image",
    "localhost:5000/team/a_b/c--d:V1.0-rc_1",
    "Registry.example.com/web",
    "[2001:db8::1]:5000/web",
    "a__b.c",
  ]) {
    t.ok(isImageReference(name), name);
    t.ok(isImageName(name), name);
  }
  for (const name of [`nginx@${DIGEST}`, `registry:5000/nginx:1.27@${DIGEST}`]) {
    t.ok(isImageReference(name), name);
    t.notOk(isImageName(name), `${name} cannot be given`);
  }
});

t.test("everything else is none", async (t) => {
  for (const text of [
    "",
    "scratch",
    "Nginx",
    "-nginx",
    "--tag=x",
    "nginx:",
    "nginx:-x",
    "nginx 1.27",
    "nginx\nRUN rm",
    "nginx:1\n",
    "nginx AS x",
    "$IMAGE",
    `nginx:\${TAG}`,
    "nginx#x",
    "nginx\\",
    'nginx"',
    "nginx'",
    "a/../b",
    "/nginx",
    "nginx/",
    "a//b",
    "http://nginx",
    "nginx@sha256:12",
    `${"a/".repeat(400)}b`,
  ]) {
    t.notOk(isImageReference(text), JSON.stringify(text));
    t.notOk(isImageName(text), JSON.stringify(text));
  }
});

t.test(
  "no text with a space, a quote, a dollar or another sign of a shell's or a Dockerfile's is a name",
  async (t) => {
    const any = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc
        .array(
          fc.constantFrom("a", "1", "/", ":", ".", "-", "_", "@", " ", "\n", "\t", '"', "'", "$", "\\", "#", "="),
          {
            maxLength: 12,
          },
        )
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(any, (text) => !isImageReference(text) || /^[A-Za-z0-9[][A-Za-z0-9_.:/@[\]-]*$/.test(text)),
      { numRuns: 3000 },
    );
    t.pass();
  },
);

t.test("a long text is refused in no time", async (t) => {
  const start = performance.now();
  for (const text of [
    "a-".repeat(250),
    "a.a".repeat(160),
    `a${"_".repeat(500)}`,
    "a:1/".repeat(120),
    "[".repeat(500),
  ]) {
    t.notOk(isImageReference(text) && text.includes("["), text.slice(0, 10));
  }
  t.ok(performance.now() - start < 500);
});
