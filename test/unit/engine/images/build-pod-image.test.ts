// What a pod image runs, held against what the pod would have run had its containers been their images.

import fc from "fast-check";
import t from "tap";
import { GOLDEN_FACTS } from "../../../../scripts/golden.ts";
import { PeapodError } from "../../../../src/base/errors.ts";
import { buildPodImage } from "../../../../src/engine/images/build-pod-image.ts";
import { fillMember } from "../../../../src/image/fill-member.ts";
import type { ImageConfig } from "../../../../src/image/image.ts";
import { makeImageManifest } from "../../../../src/manifest/image-manifest.ts";
import type { Manifest } from "../../../../src/manifest/manifest.ts";
import { parseManifest, parsePod } from "../../../../src/manifest/read-manifest.ts";
import { makeOwnEnv } from "../../../../src/plan/env.ts";
import { makeProcess } from "../../../../src/plan/process.ts";
import { NO_VALUES } from "../../../../src/plan/values.ts";

function processOf(manifest: Manifest, config: ImageConfig) {
  const [container] = manifest.spec.containers;
  if (container === undefined) throw new Error("the pod has no container");
  const image = { reference: "web", rootfs: "/", config };
  try {
    const fields = { manifest, facts: GOLDEN_FACTS, values: NO_VALUES, isHostNetwork: false };
    const ownEnv = makeOwnEnv(container, fields);
    const { process } = makeProcess({ manifest, index: 0, container, image, hostname: undefined, ownEnv });
    return { ...process, env: [...process.env].sort() };
  } catch (error) {
    return (error as PeapodError).code;
  }
}

t.test("a member of a pod image runs what its container would have run from its image", async (t) => {
  const word = fc.array(fc.constantFrom("$(A)", "$(B)", "$(PATH)", "$$", "$", "(A)", "x", " ", "\n"), { maxLength: 4 });
  const text = word.map((parts) => parts.join(""));
  const words = fc.option(fc.array(text, { maxLength: 3 }), { nil: undefined });
  const name = fc.constantFrom("A", "B", "C", "PATH");
  const container = fc.record(
    {
      command: words,
      args: words,
      workingDir: fc.constant("/own"),
      env: fc.uniqueArray(fc.record({ name, value: text }), { selector: (one) => one.name, maxLength: 4 }),
    },
    { requiredKeys: [] },
  );
  const config = fc.record({
    entrypoint: fc.array(text, { maxLength: 2 }),
    cmd: fc.array(text, { maxLength: 2 }),
    env: fc.array(
      fc.tuple(name, text).map((pair) => pair.join("=")),
      { maxLength: 4 },
    ),
    workingDir: fc.constantFrom("", "/", "/srv"),
  });
  const bare: ImageConfig = { entrypoint: [], cmd: [], env: [], workingDir: "" };
  fc.assert(
    fc.property(container, config, (fields, image) => {
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "shop" },
        spec: { containers: [{ name: "web", image: "nginx", ...fields }] },
      };
      const { manifest, document } = parsePod(JSON.stringify(pod), { file: "pod.yaml", baseDir: "/", images: "named" });
      const expected = processOf(manifest, image);
      let filled: ReturnType<typeof fillMember>;
      try {
        filled = fillMember({ ...manifest.spec.containers[0]!, place: "pod.yaml:1" }, image, undefined);
      } catch (error) {
        t.equal((error as PeapodError).code, expected);
        return;
      }
      const made = makeImageManifest(document, [{ image: "rootfs:/containers/web", ...filled }]);
      t.strictSame(processOf(parseManifest(made, { file: "pod.yaml", baseDir: "/" }), bare), expected);
    }),
    { numRuns: 1000 },
  );
});

function podOf(...containers: readonly string[]): string {
  const lines = containers.map((fields, index) => `    - {name: c${index}, ${fields}}\n`).join("");
  return `apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec:\n  containers:\n${lines}`;
}

async function refusal(more: { tag?: string; builder?: string; pod?: string }): Promise<string> {
  const { tag = "shop", builder = "/nowhere/podman", pod = podOf("image: nginx") } = more;
  try {
    await buildPodImage({ file: "-", stdinText: pod, tag, builder });
  } catch (error) {
    if (error instanceof PeapodError) return `${error.code} ${error.message}`;
    throw error;
  }
  return "accepted";
}

t.test("what is wrong with the request is told before a builder is asked for", async (t) => {
  t.match(await refusal({ tag: "Shop Two" }), 'BAD_USAGE image "Shop Two": is not a name for an image');
  t.match(await refusal({ tag: "--x" }), 'BAD_USAGE image "--x": is not a name for an image');
  t.match(
    await refusal({ pod: podOf("image: nginx", 'image: "nginx 1.27"') }),
    'BAD_MANIFEST -:7:18 spec.containers[1].image: "nginx 1.27" is not the name of an image, such as nginx:1.27; a directory is rootfs:./site',
  );
  t.match(await refusal({ pod: podOf("image: scratch") }), /"scratch" is not the name of an image/);
  t.match(await refusal({ pod: podOf('image: "rootfs:"') }), /must name a directory behind rootfs:/);
  t.match(
    await refusal({ pod: podOf("image: rootfs:/nowhere, command: [a]") }),
    "NOT_FOUND container c0: rootfs /nowhere does not exist (-:6)",
  );
  t.match(await refusal({ pod: podOf("image: rootfs:/usr") }), "BAD_MANIFEST container c0: has nothing to run (-:6)");
  t.match(await refusal({}), "HOST_LACKS builder /nowhere/podman: there is no such program");
});
