// The store of images under ill treatment: bad images, registries that stop, pulls that are killed, many at once. Each
// failure is one sentence, and nothing of it stays.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blobOf, makeImage, readManifestOf, rewriteImage, whyNoImages, writeArchive } from "../support/image-layout.ts";
import { filesOf, storeOf } from "../support/image-store.ts";
import { type PeapodHost, type Test, testWithPeapod } from "../support/peapod-host.ts";
import { Gate, Registry } from "../support/registry.ts";
import { patient } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

const skip = whyNoImages();
const skipRegistry = whyNoImages("docker-registry");

/** One sentence that tells this, and nothing left. */
async function isRefused(t: Test, host: PeapodHost, image: string, words: RegExp): Promise<void> {
  const ended = await host.peapod("image", "pull", image);
  t.equal(ended.code, 125, ended.err);
  const told = ended.err.split("\n").filter((line) => /^peapod: /.test(line));
  t.equal(told.length, 1, ended.err);
  t.match(told[0], words);
  t.strictSame(filesOf(host), [], "nothing is left");
}

testWithPeapod(
  "what is wrong with an image is one sentence, and nothing of it stays",
  async (t, host) => {
    const layout = join(host.dir, "layout");
    const outside = join(host.dir, "outside");
    writeFileSync(outside, "kept\n");
    const archive = (name: string, ...members: Parameters<typeof writeArchive>[1]) =>
      writeArchive(join(host.dir, `${name}.tar`), members);
    const climbing = archive("climbing", { name: `../../../../../../..${host.dir}/climbed`, text: "x" });
    const linked = archive("linked", { name: "out", type: "1", link: outside });
    makeImage(layout, { tag: "climbing", archives: [climbing] });
    makeImage(layout, { tag: "linked", archives: [linked] });
    await isRefused(
      t,
      host,
      "oci:layout:climbing",
      /oci:.*layout:climbing cannot be unpacked: layer sha256:[0-9a-f]{12} has \.\.\/.*climbs/,
    );
    await isRefused(t, host, "oci:layout:linked", /cannot be unpacked: .*out: link: no such file or directory/);
    t.notOk(existsSync(join(host.dir, "climbed")));
    // Another platform's.
    makeImage(layout, { tag: "arm" });
    rewriteImage(layout, "arm", { config: (config) => Object.assign(config, { architecture: "riscv64" }) });
    await isRefused(t, host, "oci:layout:arm", /layout:arm is made for linux\/riscv64, and this machine is linux\//);
    // Bits that are others: of a layer, of a manifest, and a layer that is not there.
    for (const [tag, words] of [
      ["layer", /cannot be pulled: .*Digest did not match/],
      ["short", /cannot be pulled: /],
    ] as const) {
      makeImage(join(host.dir, tag), { tag });
      const file = blobOf(join(host.dir, tag), readManifestOf(join(host.dir, tag), tag).layers[0]?.digest ?? "");
      if (tag === "short") truncateSync(file, 1000);
      else writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 5000), Buffer.alloc(5000, 1)]));
      await isRefused(t, host, `oci:${tag}:${tag}`, words);
    }
    makeImage(layout, { tag: "wrong" });
    rewriteImage(layout, "wrong", {
      config: (config) => Object.assign(config, { rootfs: { type: "layers", diff_ids: [`sha256:${"1".repeat(64)}`] } }),
    });
    await isRefused(t, host, "oci:layout:wrong", /cannot be unpacked: .*(mismatch|layer)/);
    rewriteImage(layout, "wrong", {
      manifest: (manifest) =>
        manifest.layers.splice(0, 1, { ...manifest.layers[0], digest: `sha256:${"2".repeat(64)}`, size: 5 }),
    });
    await isRefused(t, host, "oci:layout:wrong", /cannot be pulled: .*no such file/);
    mkdirSync(join(host.dir, "empty"));
    await isRefused(t, host, "oci:empty:a", /oci:.*empty:a cannot be pulled: .*index.json: no such file/);
    writeFileSync(join(host.dir, "text.tar"), "no archive\n");
    await isRefused(t, host, "docker-archive:text.tar", /cannot be pulled: /);
    t.match(await host.peapod("image", "pull", "Not A Name"), { code: 125, err: /^peapod: image Not A Name: / });
    t.equal(readFileSync(outside, "utf8"), "kept\n");
  },
  { skip },
);

testWithPeapod(
  "links of a layer lead nowhere but inside",
  async (t, host) => {
    const layout = join(host.dir, "layout");
    const members = [
      { name: "abs", type: "2", link: host.dir },
      { name: "abs/written", text: "x" },
      { name: "rel", type: "2", link: `../../../../../../..${host.dir}` },
      { name: "rel/written2", text: "x" },
      { name: "/absolute", text: "x" },
    ] as const;
    makeImage(layout, { tag: "a", archives: [writeArchive(join(host.dir, "links.tar"), members)] });
    await host.must("image", "pull", "oci:layout:a");
    t.notOk(existsSync(join(host.dir, "written")) || existsSync(join(host.dir, "written2")));
    const [{ rootfs } = { rootfs: "" }] = JSON.parse(await host.must("image", "inspect", "oci:layout:a")) as {
      rootfs: string;
    }[];
    t.ok(existsSync(join(rootfs, host.dir, "written")), "it is written inside of the image");
    t.ok(existsSync(join(rootfs, "absolute")));
  },
  { skip },
);

/** That a registry may be silent. */
const STALL_S = patient(3);

testWithPeapod(
  "a registry that stops in the middle, refuses or lies",
  async (t, host) => {
    const layout = join(host.dir, "layout");
    makeImage(layout, { tag: "a" });
    makeImage(layout, { tag: "arm" });
    rewriteImage(layout, "arm", { config: (config) => Object.assign(config, { architecture: "riscv64" }) });
    const registry = await Registry.start(host.dir);
    // Enough for the manifest, and a part of the layer.
    const silent = await Gate.open(registry.address, 100_000);
    const mute = await Gate.open(registry.address, 0);
    const hangsUp = await Gate.open(registry.address, 100_000);
    const hangUp = setInterval(() => hangsUp.isSilent && hangsUp.close(), 20);
    try {
      registry.push(layout, "a", "a:1");
      registry.push(layout, "arm", "arm:1");
      await isRefused(
        t,
        host,
        `${silent.address}/a:1`,
        new RegExp(`/a:1 cannot be pulled: nothing came for ${STALL_S} s`),
      );
      await isRefused(
        t,
        host,
        `${mute.address}/a:1`,
        new RegExp(`/a:1 cannot be pulled: no answer came for ${STALL_S} s`),
      );
      await isRefused(t, host, `${hangsUp.address}/a:1`, /a:1 cannot be pulled: /);
      await isRefused(t, host, `${registry.address}/none:1`, /none:1 cannot be pulled: .*manifest unknown/);
      await isRefused(t, host, `${registry.address}/arm:1`, /arm:1 is made for linux\/riscv64/);
      const digest = `sha256:${"3".repeat(64)}`;
      await isRefused(t, host, `${registry.address}/a@${digest}`, /a@sha256:3+ cannot be pulled: .*manifest unknown/);
    } finally {
      clearInterval(hangUp);
      silent.close();
      mute.close();
      hangsUp.close();
      await registry.stop();
    }
  },
  { skip: skipRegistry, env: { PEAPOD_PULL_STALL_MS: String(STALL_S * 1000) } },
);

testWithPeapod(
  "many who want one image share one pull; one that is killed leaves what the next takes up",
  async (t, host) => {
    const layout = join(host.dir, "layout");
    makeImage(layout, { tag: "a" });
    const registry = await Registry.start(host.dir);
    const gate = await Gate.open(registry.address, 50_000);
    try {
      registry.push(layout, "a", "a:1");
      const killed = host.start(["image", "pull", `${gate.address}/a:1`]);
      await waitUntil("it is in the middle", () => gate.isSilent, 20_000);
      killed.child.kill("SIGKILL");
      await killed.ended;
      t.ok(
        filesOf(host).some((name) => name.startsWith("claims/")),
        "its claim is there",
      );
      const image = `${registry.address}/a:1`;
      const ends = await Promise.all([1, 2, 3, 4].map(async () => await host.peapod("image", "pull", image)));
      t.strictSame(
        [...new Set(ends.map(({ code, out }) => `${code} ${out}`))].length,
        1,
        ends.map(({ err }) => err).join(),
      );
      t.equal(ends.filter(({ err }) => err.includes("unpacking")).length, 1, "one of them did the work");
      t.strictSame(
        filesOf(host).filter((name) => /^(tmp|claims)\//.test(name)),
        [],
        "and swept up",
      );
      t.equal(readdirSync(join(storeOf(host), "tmp")).length, 0);
    } finally {
      gate.close();
      await registry.stop();
    }
  },
  { skip: skipRegistry },
);

testWithPeapod(
  "image list, inspect, rm and prune; what a pod uses stays",
  async (t, host) => {
    const layout = join(host.dir, "layout");
    makeImage(layout, { tag: "a", config: ["--config.cmd", "/bin/sleep", "--config.cmd", "1000"] });
    makeImage(layout, { tag: "b", config: ["--config.label", "x=y"] });
    await host.must("image", "pull", "oci:layout:a", "oci:layout:b");
    const file = join(host.dir, "pod.yaml");
    // The second one's lower layers are mapped mounts of the image.
    chmodSync(host.dir, 0o711);
    for (const [name, more] of Object.entries({ user: "", mapped: ", hostUsers: false" })) {
      const containers = "[{name: c, image: 'oci:layout:a'}]";
      const spec = `{restartPolicy: Never, terminationGracePeriodSeconds: 1, containers: ${containers}${more}}`;
      writeFileSync(file, `{apiVersion: v1, kind: Pod, metadata: {name: ${name}}, spec: ${spec}}`);
      await host.must("run", "-d", file);
    }
    t.match(await host.json("image", "list"), [
      { names: [`oci:${layout}:b`], usedBy: [], config: { labels: { x: "y" } } },
      { names: [`oci:${layout}:a`], usedBy: ["mapped", "user"] },
    ]);
    await host.must("delete", "--force", "user");
    t.match(await host.peapod("image", "rm", "oci:layout:a"), { code: 125, err: /is used by mapped/ });
    const [digest = ""] = (await host.must("image", "prune", "--all")).split("\n");
    t.match(await host.peapod("image", "inspect", digest), { code: 125, err: /is not here/ });
    // Its name goes to another; the pod keeps what it has.
    makeImage(layout, { tag: "a", config: ["--config.label", "new=er"] });
    await host.must("image", "pull", "oci:layout:a");
    t.match(await host.json("image", "list"), [{ usedBy: [] }, { names: [], usedBy: ["mapped"] }]);
    t.equal(await host.must("image", "prune"), "");
    await host.must("delete", "--force", "mapped");
    t.match(await host.must("image", "prune"), /^sha256:/);
    t.match(await host.must("image", "du"), /root file systems +1 /);
    await host.must("image", "rm", "oci:layout:a");
    t.strictSame(filesOf(host), [], "nothing is left");
    t.notOk(existsSync(storeOf(host)));
  },
  { skip },
);

testWithPeapod(
  "--dry-run pulls nothing, and says what would be pulled",
  async (t, host) => {
    makeImage(join(host.dir, "layout"), { tag: "a", config: ["--config.cmd", "/bin/true", "--config.user", "7:8"] });
    const file = join(host.dir, "pod.yaml");
    writeFileSync(
      file,
      "{apiVersion: v1, kind: Pod, metadata: {name: dry}, spec: {containers: [{name: c, image: 'oci:layout:a'}]}}",
    );
    const ended = await host.peapod("run", "--dry-run", file);
    t.match(JSON.parse(ended.out), { containers: [{ process: { args: ["/bin/true"], uid: 7, gid: 8 } }] });
    t.match(ended.err, /^would pull oci:.*layout:a\n$/);
    t.strictSame(filesOf(host), []);
    await host.must("bundle", file, "-o", join(host.dir, "bundles"));
    const up = readFileSync(join(host.dir, "bundles/up.sh"), "utf8");
    t.match(up, /lowerdir=.*images\/unpacked\/[0-9a-f]{64}\/rootfs/, "a bundle refers to the store");
  },
  { skip },
);
