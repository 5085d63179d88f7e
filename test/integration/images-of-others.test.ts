// Promise: images that podman, buildah or a Docker daemon have in stores of their own run from there, and follow what is there.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Dockerd, whyNoDockerd } from "../support/dockerd.ts";
import { makeImage, whyNoImages } from "../support/image-layout.ts";
import { type PeapodHost, type Test, testWithPeapod } from "../support/peapod-host.ts";

/** `give` puts the image that says a word where `image` names it. */
async function followsImage(
  t: Test,
  host: PeapodHost,
  { image, give, env }: { image: string; give: (layout: string, tag: string) => void; env: NodeJS.ProcessEnv },
): Promise<void> {
  const layout = join(host.dir, "layout");
  const { file } = host.aPod({ containers: [{ name: "web", image, imagePullPolicy: "Always", run: "echo $WORD" }] });
  for (const word of ["one", "two"]) {
    makeImage(layout, { tag: word, config: ["--config.env", `WORD=${word}`] });
    give(layout, word);
    const { code, out, err } = await host.start(["run", file], { env }).ended;
    t.match({ code, out, err }, { code: 0, out: `${word}\n`, err: `pulling ${image}\nunpacking ${image}\n` });
  }
  const again = await host.start(["run", file], { env }).ended;
  t.match(again, { code: 0, out: "two\n" });
  t.notMatch(again.err, "unpacking", "what has not changed is not unpacked again");
}

testWithPeapod(
  "an image of podman's store",
  async (t, host) => {
    const store = join(host.dir, "store");
    const conf = join(host.dir, "storage.conf");
    writeFileSync(conf, `[storage]\ndriver = "vfs"\ngraphroot = "${store}"\nrunroot = "${store}-run"\n`);
    const env = { CONTAINERS_STORAGE_CONF: conf };
    const image = "containers-storage:localhost/shop:1";
    const give = (layout: string, tag: string) =>
      execFileSync("skopeo", ["copy", "--quiet", `oci:${layout}:${tag}`, image], { env: { ...process.env, ...env } });
    await followsImage(t, host, { image, give, env });
    t.match(await host.start(["image", "pull", "containers-storage:localhost/none"], { env }).ended, {
      code: 125,
      err: /^peapod: image containers-storage:localhost\/none cannot be pulled: .*localhost\/none/m,
    });
  },
  { skip: whyNoImages() },
);

testWithPeapod(
  "an image of a Docker daemon, wherever DOCKER_HOST says that it is",
  async (t, host) => {
    const docker = await Dockerd.start();
    try {
      const image = "docker-daemon:shop:1";
      const give = (layout: string, tag: string) => {
        const archive = join(host.dir, `${tag}.tar`);
        execFileSync("skopeo", ["copy", "--quiet", `oci:${layout}:${tag}`, `docker-archive:${archive}:shop:1`]);
        execFileSync("docker", ["--host", docker.address, "load", "--input", archive], { stdio: "ignore" });
      };
      const env = { DOCKER_HOST: docker.address };
      await followsImage(t, host, { image, give, env });
      t.match(await host.start(["image", "pull", "docker-daemon:none"], { env }).ended, {
        code: 125,
        err: /^peapod: image docker-daemon:none:latest cannot be pulled: .*(does not exist|No such image)/m,
      });
    } finally {
      await docker.remove();
    }
    const gone = await host.start(["image", "pull", "docker-daemon:shop:1"], { env: { DOCKER_HOST: docker.address } })
      .ended;
    t.match(gone, {
      code: 125,
      err: /^peapod: image docker-daemon:shop:1 cannot be pulled: .*Docker daemon at unix:/m,
    });
  },
  { skip: whyNoImages() || whyNoDockerd() },
);
