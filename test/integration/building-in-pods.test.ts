// Images are built and containers run inside pods, with nobody's daemon on the host, and all of it goes with the pod.

import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { EXAMPLES } from "../../scripts/golden.ts";
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
  for (const name of ["pod.yaml", "make-rootfs"]) cpSync(join(EXAMPLES, example, name), join(dir, name));
  execFileSync(join(dir, "make-rootfs"));
  return join(dir, "pod.yaml");
}

function sayOk(t: Test, out: string, container: string, times: number): void {
  t.equal([...out.matchAll(new RegExp(`^${container} +\\| ok: `, "gm"))].length, times, "says ok so many times", {
    out,
  });
}

const BUILDAH = whyNotWith("buildah", "docker-registry", "busybox");
const DOCKER = whyNotWith("dockerd", "docker", "containerd", "busybox");

testWithPeapod(
  "build-in-pod: buildah builds and pushes to a registry beside it, as root of a user namespace alone",
  async (t, host) => {
    const { code, out, err } = await host.peapod("run", anExample(host, "build-in-pod"));
    t.equal(code, 0, "its result is 0", { out, err });
    sayOk(t, out, "builder", 3);
    t.equal(err, "");
  },
  { skip: BUILDAH },
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
    await host.must("run", "-d", anExample(host, "docker-in-pod"));
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
