// Images are built and containers run inside pods, with nobody's daemon on the host, and all of it goes with the pod.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { EXAMPLES } from "../../scripts/golden.ts";
import { LACKS_PLUGINS, ownNetworks } from "../support/networks.ts";
import { findOnPath } from "../support/oci-script.ts";
import { type PeapodHost, type Test, testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

function whyNotWith(...programs: string[]): string | false {
  const missing = programs.filter((program) => findOnPath(program) === undefined);
  return missing.length === 0 ? false : `not installed: ${missing.join(", ")}`;
}

/** As its reader would have it, made by its own script. */
function anExample(host: PeapodHost, example: string): string {
  // In a user namespace others must pass through it.
  chmodSync(host.dir, 0o711);
  const dir = join(host.dir, "examples", example);
  mkdirSync(dir, { recursive: true });
  for (const name of ["make-rootfs", "add-programs"])
    symlinkSync(join(EXAMPLES, name), join(host.dir, "examples", name));
  for (const name of ["pod.yaml", "greeting.yaml", "make-rootfs"])
    if (existsSync(join(EXAMPLES, example, name))) cpSync(join(EXAMPLES, example, name), join(dir, name));
  execFileSync(join(dir, "make-rootfs"));
  return join(dir, "pod.yaml");
}

function sayOk(t: Test, out: string, container: string, times: number): void {
  t.equal([...out.matchAll(new RegExp(`^${container} +\\| ok: `, "gm"))].length, times, "says ok so many times", {
    out,
  });
}

const BUILDAH = whyNotWith("buildah", "docker-registry", "busybox", "skopeo", "umoci");
const DOCKER = whyNotWith("dockerd", "docker", "containerd", "busybox");

const networks = ownNetworks();

testWithPeapod(
  "build-in-pod: buildah builds and pushes to a registry beside it, as root of a user namespace alone, and another pod runs that",
  async (t, host) => {
    networks.list("10-build.conflist", {
      cniVersion: "1.0.0",
      name: "build",
      plugins: [networks.bridge(), { type: "portmap", capabilities: { portMappings: true } }],
    });
    const pod = anExample(host, "build-in-pod");
    await host.must("run", "-d", "-p", "127.0.0.1::5000", pod);
    await host.must("wait", "--for=ready", "build-in-pod");
    const { out, err } = await host.peapod("logs", "build-in-pod");
    sayOk(t, out, "builder", 3);
    t.equal(err, "");
    const [, port] = /127\.0\.0\.1:(\d+)/.exec(await host.must("port", "build-in-pod")) ?? [];
    const greeting = join(dirname(pod), "greeting.yaml");
    writeFileSync(greeting, readFileSync(greeting, "utf8").replace(":5000/", `:${port}/`));
    t.match(await host.peapod("run", "--network", "none", greeting), { code: 0, out: "built in a pod\n" });
    await host.must("delete", "--force", "build-in-pod");
  },
  { skip: BUILDAH || LACKS_PLUGINS, env: networks.env },
);

testWithPeapod(
  "docker-in-pod: a client without privileges has a container made by the daemon beside it",
  async (t, host) => {
    const { code, out, err } = await host.peapod("run", anExample(host, "docker-in-pod"));
    t.equal(code, 0, "its result is 0", { out, err });
    sayOk(t, out, "client", 2);
  },
  { skip: DOCKER },
);

testWithPeapod(
  "docker-in-pod: what the daemon still runs when the pod is deleted goes with it",
  async (t, host) => {
    const pod = anExample(host, "docker-in-pod");
    // With its client the pod would end, and the daemon before anybody has asked it anything.
    writeFileSync(pod, `${readFileSync(pod, "utf8").trimEnd()}\n          exec sleep 1000\n`);
    await host.must("run", "-d", pod);
    const docker = (...args: string[]) =>
      host.peapod("exec", "-c", "daemon", "docker-in-pod", "docker", "--host=unix:///socket/docker.sock", ...args);
    await waitUntil("there is an image", async () => (await docker("image", "inspect", "tools")).code === 0);
    const started = await docker("run", "-d", "--network", "none", "tools", "/bin/busybox", "sleep", "4242");
    t.equal(started.code, 0, "it runs", started);
    t.match(await host.must("ps", "docker-in-pod"), /sleep 4242/, "it is a process of the pod");
    t.match(cgroupsOf(started.out.trim()), /./, "in a cgroup below the pod's");
    await host.must("delete", "--force", "docker-in-pod");
    t.equal(cgroupsOf(started.out.trim()), "");
  },
  { skip: DOCKER },
);

function cgroupsOf(container: string): string {
  const hierarchies = readdirSync("/sys/fs/cgroup").map((name) => join("/sys/fs/cgroup", name));
  return execFileSync("find", [...hierarchies, "-name", `*${container}*`], { encoding: "utf8" });
}
