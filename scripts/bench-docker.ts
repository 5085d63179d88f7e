// The OCI door under Docker, in one run: what peapod-oci costs an ordinary container, and a pod of three as one container
// beside three containers that share a network, and beside a Docker daemon in a container that runs three.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Dockerd } from "../test/support/dockerd.ts";
import { buildPlainImage, buildPodImage } from "../test/support/pod-image.ts";
import { busyboxRootfs } from "../test/support/rootfs.ts";
import { printColumns } from "./bench-print.ts";

const STAY = ["/bin/sleep", "1000"];
const NAMES = ["one", "two", "three"];
const INNER_MS = 30_000;
const INNER_PROGRAMS = ["dockerd", "containerd", "containerd-shim-runc-v2", "runc", "docker"];

interface Contender {
  readonly name: string;
  readonly up: () => Promise<unknown>;
  readonly down: () => Promise<unknown>;
}

/** Prints its tables. `runs`: rounds, all contenders in turn. */
export async function benchDocker(runs: number): Promise<void> {
  const docker = await Dockerd.start();
  try {
    await buildPlainImage(docker, "plain");
    await buildPodImage(docker, "pod", { containers: NAMES.map((name) => ({ name, run: STAY })) });
    await buildDaemonImage(docker);
    const isolated = ["--network", "none"];
    const ordinary = ["runc", "peapod"].map(
      (runtime): Contender => ({
        name: `docker run --rm, ${runtime}`,
        up: () => docker.must("run", "--rm", "--runtime", runtime, ...isolated, "plain", "true"),
        down: async () => undefined,
      }),
    );
    await printTimes(ordinary, runs);
    const pods: Contender[] = [
      {
        name: "a pod of three, one docker run",
        up: () => docker.must("run", "--detach", "--name", "pod", ...isolated, "pod"),
        down: () => docker.must("rm", "--force", "pod"),
      },
      {
        name: "three containers, --network container:",
        up: async () => {
          const run = (name: string, ...more: string[]) =>
            docker.must("run", "--detach", "--runtime", "runc", "--name", name, ...more, "plain", ...STAY);
          await run("one", ...isolated, "--ipc", "shareable");
          for (const name of ["two", "three"]) await run(name, "--network", "container:one", "--ipc", "container:one");
        },
        down: () => docker.must("rm", "--force", ...NAMES),
      },
      {
        name: "three containers in a Docker in Docker",
        up: async () => {
          const tmpfs = ["/run", "/var/lib/docker", "/var/lib/containerd"].flatMap((path) => ["--tmpfs", path]);
          const how = ["--runtime", "runc", ...makePrivileged(), ...isolated, ...tmpfs];
          await docker.must("run", "--detach", "--name", "outer", ...how, "daemon");
          const deadline = Date.now() + INNER_MS;
          while (!(await docker.must("logs", "outer")).includes("ready")) {
            if (Date.now() > deadline) throw new Error("the daemon in a container does not come up");
            await sleep(5);
          }
        },
        down: () => docker.must("rm", "--force", "--volumes", "outer"),
      },
    ];
    await printTimes(pods, Math.max(2, Math.ceil(runs / 3)));
    await printMemory(docker, pods);
  } finally {
    await docker.remove();
  }
}

/** What a daemon needs of --privileged, which a machine that has not all capabilities itself cannot give. */
function makePrivileged(): string[] {
  const capabilities = ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH"].flatMap((name) => [
    "--cap-add",
    name,
  ]);
  const unconfined = ["seccomp", "apparmor", "systempaths"].flatMap((what) => ["--security-opt", `${what}=unconfined`]);
  const devices = ["--device-cgroup-rule", "a *:* rwm"];
  return [...capabilities, ...unconfined, ...devices, "--volume", "/sys/fs/cgroup:/sys/fs/cgroup"];
}

async function printTimes(contenders: readonly Contender[], runs: number): Promise<void> {
  const times = contenders.map(() => ({ up: [] as number[], down: [] as number[] }));
  for (let round = 0; round <= runs; round += 1) {
    for (const [index, { up, down }] of contenders.entries()) {
      const upMs = await timed(up);
      const downMs = await timed(down);
      if (round === 0) continue;
      times[index]?.up.push(upMs);
      times[index]?.down.push(downMs);
    }
  }
  const first = times[0] ?? { up: [], down: [] };
  const rows = contenders.map(({ name }, index) => {
    const { up, down } = times[index] ?? first;
    const ratio = index === 0 ? "" : `${(median(up) / median(first.up)).toFixed(2)} x`;
    return [name, median(up).toFixed(0), median(down).toFixed(0), ratio];
  });
  process.stdout.write(`\nmedians of ${runs} interleaved runs, in milliseconds\n\n`);
  printColumns([["", "up", "down", "up, beside the first"], ...rows]);
}

/** Of everything that runs besides the three sleeps and the outer daemon: proportional, in KiB. */
async function printMemory(docker: Dockerd, pods: readonly Contender[]): Promise<void> {
  process.stdout.write("\nproportional memory while it idles, in KiB, without the outer daemon's own\n\n");
  const rows: string[][] = [];
  for (const { name, up, down } of pods) {
    const before = new Set(docker.processes().map(({ pid }) => pid));
    await up();
    await sleep(3000);
    const added = docker.processes().filter(({ pid, words }) => !before.has(pid) && !words.includes("1000"));
    rows.push([name, String(added.reduce((sum, { pid }) => sum + readPss(pid), 0)), String(added.length)]);
    await down();
  }
  printColumns([["", "memory", "processes"], ...rows]);
}

function readPss(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** This machine's own Docker in an image: a fresh daemon that loads one image and runs three containers of it. */
async function buildDaemonImage(docker: Dockerd): Promise<void> {
  const dir = join(docker.dir, "daemon");
  const rootfs = join(dir, "rootfs");
  cpSync(busyboxRootfs(), rootfs, { recursive: true, verbatimSymlinks: true });
  for (const program of INNER_PROGRAMS) {
    const path = ["/usr/bin", "/usr/sbin"].map((place) => join(place, program)).find(existsSync);
    if (path === undefined) throw new Error(`${program} is not in /usr/bin or /usr/sbin`);
    const libraries = execFileSync("sh", ["-c", `ldd ${path} 2>/dev/null | grep -o '/[^ ]*' || true`], {
      encoding: "utf8",
    });
    for (const file of [path, ...libraries.split("\n").filter(Boolean)]) {
      const place = file === path ? join("/usr/bin", program) : file;
      mkdirSync(join(rootfs, dirname(place)), { recursive: true });
      execFileSync("cp", ["--dereference", file, join(rootfs, place)]);
    }
  }
  const inner = "docker run --detach --network";
  writeFileSync(
    join(rootfs, "start"),
    `#!/bin/sh
dockerd --bridge=none --iptables=false --storage-driver=vfs --cgroup-parent=${docker.cgroup}/inner >/dev/null 2>&1 &
until docker info >/dev/null 2>&1; do usleep 5000; done
docker load --quiet --input /plain.tar
${inner} none --ipc shareable --name one plain ${STAY.join(" ")}
for name in two three; do ${inner} container:one --ipc container:one --name $name plain ${STAY.join(" ")}; done
echo ready
wait
`,
    { mode: 0o755 },
  );
  await docker.must("save", "--output", join(rootfs, "plain.tar"), "plain");
  writeFileSync(
    join(dir, "Dockerfile"),
    'FROM scratch\nCOPY rootfs /\nENV PATH=/usr/sbin:/usr/bin:/sbin:/bin\nCMD ["/start"]\n',
  );
  await docker.must("build", "--quiet", "--tag", "daemon", dir);
  rmSync(dir, { recursive: true });
}
