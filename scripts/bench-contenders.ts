// Who is measured: each brings a pod of three busybox containers up, and takes it down to nothing. All of them share net,
// ipc and uts namespaces with nothing but a loopback device, and sleep.

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { stringify } from "yaml";
import { busyboxRootfs } from "../test/support/rootfs.ts";

export interface Contender {
  readonly name: string;
  readonly what: string;
  readonly up: () => void;
  readonly down: () => void;
  /** After the last run. */
  readonly end?: () => void;
}

const CGROUP = "peapod-bench";
export const CONTAINERS = ["one", "two", "three"];
/** Of the machine, published by those who publish one. */
const PORT = "18998";
const BRIDGE = "peapod-bench0";
/** As PID 1 it would heed no SIGTERM; nobody sends one here, all are killed. */
const COMMAND = ["/bin/sleep", "1000"];

export function makePeapod(place: string, bin: string): Contender {
  const file = writeManifest(place);
  const peapod = join(bin, "peapod");
  // No contender has a network.
  const env = { PEAPOD_ROOT: join(place, "peapod"), PEAPOD_NETWORK: "none" };
  return {
    name: "peapod",
    what: "peapod run -d; peapod delete --force",
    up: () => run(peapod, ["run", "-d", file], env),
    down: () => run(peapod, ["delete", "--force", "bench"], env),
  };
}

/**
 * One container on a bridge with a published port: first on a network of the same plugins that podman's own has, then on
 * peapod's own, which has IPv6 as well.
 */
export function makeNetworked(place: string, bin: string): readonly [Contender, Contender] {
  const file = join(place, "bench-net.yaml");
  const ports = [{ containerPort: 80 }];
  const containers = [{ name: "one", image: `rootfs:${busyboxRootfs()}`, command: COMMAND, ports }];
  const metadata = { name: "bench-net" };
  writeFileSync(
    file,
    stringify({ apiVersion: "v1", kind: "Pod", metadata, spec: { restartPolicy: "Never", containers } }),
  );
  const lists = join(place, "net.d");
  mkdirSync(lists, { recursive: true });
  const ipam = {
    type: "host-local",
    dataDir: join(place, "addresses"),
    routes: [{ dst: "0.0.0.0/0" }],
    ranges: [[{ subnet: "10.189.0.0/16" }]],
  };
  const plugins = [
    { type: "bridge", bridge: BRIDGE, isGateway: true, ipMasq: true, hairpinMode: true, ipam },
    { type: "portmap", capabilities: { portMappings: true } },
    { type: "firewall" },
    { type: "tuning" },
  ];
  writeFileSync(join(lists, "10-bench.conflist"), JSON.stringify({ cniVersion: "0.4.0", name: "bench", plugins }));
  const peapod = join(bin, "peapod");
  const env = { PEAPOD_ROOT: join(place, "peapod"), PEAPOD_NETWORK: "", NETCONFPATH: lists };
  const on = (network: string, name: string): Contender => ({
    name,
    what: `peapod run -d --network ${network} -p ${PORT}:80; peapod delete --force`,
    up: () => run(peapod, ["run", "-d", "--network", network, "-p", `${PORT}:80`, file], env),
    down: () => run(peapod, ["delete", "--force", "bench-net"], env),
    end: () => void spawnSync("ip", ["link", "delete", BRIDGE], { stdio: "ignore" }),
  });
  return [on("bench", "peapod, bridge and port"), on("peapod", "peapod, its own bridge (IPv6, too)")];
}

function writeManifest(place: string): string {
  const file = join(place, "bench.yaml");
  const image = `rootfs:${busyboxRootfs()}`;
  const containers = CONTAINERS.map((name) => ({ name, image, command: COMMAND }));
  const spec = { restartPolicy: "Never", containers };
  writeFileSync(file, stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "bench" }, spec }));
  return file;
}

/** The very bundles that peapod runs (overlay, seccomp, limits), brought up by the scripts that `peapod bundle` writes. */
export function makeSameBundles(place: string, bin: string): Contender {
  const dir = join(place, "same");
  run(join(bin, "peapod"), ["bundle", writeManifest(place), "-o", dir], { PEAPOD_ROOT: join(place, "peapod") });
  return {
    name: "(d) the same bundles, by shell",
    what: "up.sh and down.sh of `peapod bundle`: unshare, mount and runc one after the other",
    up: () => run(join(dir, "up.sh"), []),
    down: () => run(join(dir, "down.sh"), []),
  };
}

/** What one would write by hand: pinned namespaces, then runc for each container. */
export function makeShell(place: string, sideBySide: boolean): Contender {
  const name = sideBySide ? "b" : "a";
  const dir = join(place, name);
  for (const container of CONTAINERS) writeBundle(dir, container);
  const runc = `runc --root ${dir}/runc`;
  const each = (command: (container: string) => string): string[] => [
    ...CONTAINERS.map((container) => `${command(container)}${sideBySide ? " &" : ""}`),
    ...(sideBySide ? ["wait"] : []),
  ];
  const up = writeScript(join(dir, "up"), [
    `mkdir -p ${dir}/ns`,
    // The kernel binds no namespace file below a shared mount, see mount_namespaces(7).
    `mount --bind ${dir}/ns ${dir}/ns`,
    `mount --make-private ${dir}/ns`,
    `touch ${dir}/ns/net ${dir}/ns/ipc ${dir}/ns/uts`,
    `unshare --net=${dir}/ns/net --ipc=${dir}/ns/ipc --uts=${dir}/ns/uts sh -c 'hostname bench; ip link set lo up'`,
    ...each((id) => `${runc} create --bundle ${dir}/${id} ${id} </dev/null >${dir}/${id}.log 2>&1`),
    ...each((id) => `${runc} start ${id}`),
  ]);
  const down = writeScript(join(dir, "down"), [
    ...each((id) => `${runc} kill ${id} KILL`),
    ...each((id) => `${runc} delete ${id} 2>/dev/null || ${runc} delete --force ${id}`),
    `umount ${dir}/ns/net ${dir}/ns/ipc ${dir}/ns/uts ${dir}/ns`,
    `rm -rf ${dir}/ns`,
  ]);
  return {
    name: `(${name}) shell${sideBySide ? ", side by side" : ""}`,
    what: `unshare, runc create and start${sideBySide ? " side by side" : " one after the other"}; runc kill, delete`,
    up: () => run(up, []),
    down: () => run(down, []),
    end: removeCgroups,
  };
}

/** podman with a store of its own below `place`; undefined where it is not installed. */
export function makePodmanCalls(
  place: string,
): { readonly dir: string; readonly must: (...args: string[]) => void; readonly end: () => void } | undefined {
  if (!isOnPath("podman")) return undefined;
  const dir = join(place, "podman");
  mkdirSync(dir, { recursive: true });
  const conf = join(dir, "containers.conf");
  // podman asks for more open files than a confined machine may grant.
  writeFileSync(conf, '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n');
  const env = { CONTAINERS_CONF: conf };
  const store = ["--root", join(dir, "store"), "--runroot", join(dir, "run"), "--tmpdir", join(dir, "tmp")];
  const manner = ["--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "none"];
  const must = (...args: string[]): void => run("podman", [...store, ...manner, ...args], env);
  return {
    dir,
    must,
    end: () => {
      must("system", "reset", "--force");
      // podman leaves empty cgroups; those of a pod that runs are not empty, and stay.
      const empty = ["-depth", "-type", "d", "-path", "/sys/fs/cgroup/*/libpod_parent*", "-exec", "rmdir", "{}", ";"];
      spawnSync("find", ["/sys/fs/cgroup", ...empty], { stdio: "ignore" });
    },
  };
}

/** A pod of three without a network, and one of one with. None where podman is not installed or cannot be set up here. */
export function makePodman(place: string): readonly [Contender, Contender] | undefined {
  const calls = makePodmanCalls(place);
  if (calls === undefined) return undefined;
  const { dir, must: podman, end } = calls;
  const tar = join(dir, "busybox.tar");
  try {
    run("tar", ["-C", busyboxRootfs(), "-cf", tar, "."]);
    podman("import", tar, "bench-busybox");
  } catch (error) {
    process.stderr.write(`podman is left out: ${error instanceof Error ? error.message : error}\n`);
    return undefined;
  }
  // Its own pause program needs catatonit, which is not everywhere.
  const infra = ["--infra-image", "bench-busybox", "--infra-command", COMMAND.join(" ")];
  const share = ["--share", "net,ipc,uts", "--network", "none", ...infra];
  const alone: Contender = {
    name: "(c) podman",
    what: "podman pod create, three create, pod start; pod rm -f -t 0",
    up: () => {
      podman("pod", "create", "--name", "bench", ...share);
      for (const id of CONTAINERS) podman("create", "--pod", "bench", "--name", id, "bench-busybox", ...COMMAND);
      podman("pod", "start", "bench");
    },
    down: () => podman("pod", "rm", "-f", "-t", "0", "bench"),
    end,
  };
  const networked: Contender = {
    name: "podman, bridge and port",
    what: `podman pod create -p ${PORT}:80, create, pod start, on its own network (IPv4); pod rm -f -t 0`,
    up: () => {
      podman("pod", "create", "--name", "bench-net", "-p", `${PORT}:80`, ...infra);
      podman("create", "--pod", "bench-net", "--name", "one", "bench-busybox", ...COMMAND);
      podman("pod", "start", "bench-net");
    },
    down: () => podman("pod", "rm", "-f", "-t", "0", "bench-net"),
  };
  return [alone, networked];
}

function writeBundle(dir: string, container: string): void {
  const bundle = join(dir, container);
  mkdirSync(bundle, { recursive: true });
  const spec = spawnSync("runc", ["spec", "--bundle", bundle]);
  if (spec.status !== 0) throw new Error(`runc spec: ${spec.stderr}`);
  const path = join(bundle, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8"));
  config.process.terminal = false;
  config.process.args = COMMAND;
  config.root = { path: busyboxRootfs(), readonly: true };
  delete config.hostname;
  config.linux.cgroupsPath = `/${CGROUP}/${container}`;
  config.linux.namespaces = [
    { type: "pid" },
    { type: "mount" },
    { type: "network", path: join(dir, "ns", "net") },
    { type: "ipc", path: join(dir, "ns", "ipc") },
    { type: "uts", path: join(dir, "ns", "uts") },
  ];
  writeFileSync(path, JSON.stringify(config));
}

/** runc removes what it made for a container, not the directory above. */
function removeCgroups(): void {
  for (const hierarchy of ["", ...readdirSync("/sys/fs/cgroup")]) {
    const dir = join("/sys/fs/cgroup", hierarchy, CGROUP);
    if (existsSync(dir)) rmdirSync(dir);
  }
}

function writeScript(path: string, lines: readonly string[]): string {
  writeFileSync(path, ["#!/bin/sh", "set -e", ...lines, ""].join("\n"));
  chmodSync(path, 0o755);
  return path;
}

export function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  const { status, stderr, error } = spawnSync(program, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ended with ${status}\n${stderr}`);
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((dir) => existsSync(join(dir, program)));
}
