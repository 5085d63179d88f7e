import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { PeapodError } from "../../../src/base/errors.ts";
import { buildImage, findBuilder, inspectImage, pullImage } from "../../../src/image/builder.ts";

type Test = Parameters<Parameters<typeof t.test>[0]>[0];

/** A program that answers --version as told, and is a shell script otherwise. */
function aBuilder(t: Test, version: string, script = "exit 0", name = "builder"): string {
  const path = join(t.testdir({}), name);
  writeFileSync(path, `#!/bin/sh\nif [ "$1" = --version ]; then\n${version}\nexit\nfi\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

async function errorOf(promise: Promise<unknown>): Promise<Partial<PeapodError>> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof PeapodError) return error;
    throw error;
  }
  return {};
}

t.test("what a builder is, it says itself", async (t) => {
  for (const [said, kind] of [
    ["podman version 4.3.1", "podman"],
    ["Docker version 20.10.24+dfsg1, build 297e128", "docker"],
    ["buildah version 1.28.2 (image-spec 1.1.0-rc2, runtime-spec 1.0.2-dev)", "buildah"],
  ] as const) {
    const path = aBuilder(t, `echo '${said}'`);
    t.match(await findBuilder(path, undefined), { kind, program: path });
  }
  const emulation = aBuilder(t, "echo 'Emulate Docker CLI using podman.' >&2; echo podman version 4.3.1", "", "docker");
  t.match(await findBuilder(emulation, undefined), { kind: "podman" });
});

t.test("what is no builder is told", async (t) => {
  t.match(await errorOf(findBuilder("/nowhere/docker", undefined)), {
    code: "HOST_LACKS",
    message: "builder /nowhere/docker: there is no such program",
    hint: /install one of podman, docker and buildah/,
  });
  const other = aBuilder(t, "echo runc version 1.1.5");
  t.match(await errorOf(findBuilder(other, undefined)), { code: "BAD_USAGE", message: /is neither podman nor docker/ });
  const broken = aBuilder(t, "echo 'cannot load libgpgme.so' >&2; exit 127");
  t.match(await errorOf(findBuilder(broken, undefined)), {
    code: "RUNTIME_FAILED",
    message: `builder ${broken}: cannot load libgpgme.so`,
  });
  t.match(await errorOf(findBuilder(t.testdir({}), undefined)), { code: "HOST_LACKS", message: /cannot be run/ });
});

t.test("the first that is installed is taken, in a known order", async (t) => {
  const path = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = path;
  });
  const dir = t.testdir({});
  process.env.PATH = dir;
  t.match(await errorOf(findBuilder(undefined, undefined)), {
    code: "HOST_LACKS",
    message: "builder: no podman, docker or buildah is installed",
  });
  for (const [name, said] of [
    ["buildah", "buildah version 1"],
    ["docker", "Docker version 1"],
    ["podman", "podman version 1"],
  ] as const) {
    writeFileSync(join(dir, name), `#!/bin/sh\necho '${said}'\n`);
    chmodSync(join(dir, name), 0o755);
    t.match(await findBuilder(undefined, undefined), { kind: name, program: name });
  }
});

t.test("a failure is told in the builder's last words", async (t) => {
  const script = `echo 'STEP 1/2'; printf 'pulling...\\nError: no such host\\n\\n' >&2; exit 125`;
  const builder = await findBuilder(aBuilder(t, "echo podman version 1", script), undefined);
  t.equal(await inspectImage(builder, "nginx"), undefined);
  t.match(await errorOf(pullImage(builder, "nginx", "container web: image nginx cannot be pulled (pod.yaml:7)")), {
    code: "RUNTIME_FAILED",
    message: "container web: image nginx cannot be pulled (pod.yaml:7): no such host",
    detail: { exitCode: 125, stderr: /pulling/ },
  });
  const silent = await findBuilder(aBuilder(t, "echo podman version 1", "exit 3"), undefined);
  t.match(await errorOf(buildImage(silent, "/nowhere", "shop")), {
    message: "image shop cannot be built: it ended with 3",
  });
});

t.test("each builder is called in its own words", async (t) => {
  const called = async (version: string) => {
    const builder = await findBuilder(aBuilder(t, `echo ${version} version 1`, `echo "$@" >&2; exit 1`), undefined);
    return [
      (await errorOf(pullImage(builder, "nginx", "pull"))).message,
      (await errorOf(buildImage(builder, "/c", "shop"))).message,
    ];
  };
  const build = "--quiet --pull=false --tag=shop --file=/c/Dockerfile /c";
  for (const [kind, verb] of [
    ["podman", "build"],
    ["docker", "build"],
    ["buildah", "bud --layers --force-rm"],
  ] as const) {
    t.strictSame(await called(kind), ["pull: pull --quiet nginx", `image shop cannot be built: ${verb} ${build}`]);
  }
});

t.test("an interruption reaches the builder, and is no failure of its", async (t) => {
  const abort = new AbortController();
  const path = aBuilder(t, "echo podman version 1", "trap 'exit 1' INT; while :; do sleep 0.05; done");
  const builder = await findBuilder(path, abort.signal);
  const building = errorOf(buildImage(builder, "/c", "shop"));
  setTimeout(() => abort.abort(), 200);
  t.match(await building, { code: "CANCELED" });
});
