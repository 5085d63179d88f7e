// Docker Compose needs no word of pods: a service whose image carries one is a pod, beside services that are none.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { stringify } from "yaml";
import { Dockerd, waitForDocker, whyNoDockerd } from "../support/dockerd.ts";
import { buildPlainImage, buildPodImage } from "../support/pod-image.ts";
import { patient } from "../support/slowness.ts";

const COMPOSE = "/usr/bin/docker-compose";
const skip = whyNoDockerd() || (!existsSync(COMPOSE) && "not installed: docker-compose");

t.test("a composed application of a pod and an ordinary service", { skip, timeout: patient(120_000) }, async (t) => {
  const docker = await Dockerd.start();
  t.teardown(() => docker.remove());
  await buildPlainImage(docker, "plain");
  await buildPodImage(docker, "shop", {
    containers: [
      { name: "web", run: "mkdir -p /www; echo shop of $OWNER >/www/index.html; exec httpd -f -p 80 -h /www" },
      { name: "side", run: "until wget -qO- http://localhost/; do usleep 50000; done; exec sleep 1000" },
    ],
  });
  const services = {
    shop: { image: "shop", environment: { OWNER: "Ada" } },
    guest: { image: "plain", command: ["sh", "-c", "until wget -qO- http://shop/; do usleep 50000; done"] },
  };
  const file = join(docker.dir, "compose.yaml");
  writeFileSync(file, stringify({ version: "3", services }));
  const compose = (...words: string[]) => docker.compose(COMPOSE, "--project-name", "mall", "--file", file, ...words);

  const before = docker.readTraces();
  await compose("up", "--detach");
  await waitForDocker("the guest has seen the shop", async () =>
    (await compose("logs", "guest")).includes("shop of Ada"),
  );
  const said = await compose("logs", "shop");
  t.match(said, /side \| shop of Ada/, "lines bear their member's name");
  t.match(await compose("exec", "-T", "-e", "PEAPOD_CONTAINER=side", "shop", "ps"), /sleep 1000/);
  await compose("down", "--timeout", "1");
  await docker.nothingNewIsLeft(t, before);
});
