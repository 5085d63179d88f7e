// up.sh and down.sh: a pod brought up and down by hand with unshare(1), mount(8) and the runtime alone. They are
// meant to be read; every path in them is quoted.

import { swapDotsAndSlashes } from "../base/sysctl-name.ts";
import { makeIdMapArgs } from "../plan/map-ids.ts";
import type { HostMount, PinnedNamespace, Plan, PlannedVolume, Step } from "../plan/plan.ts";
import { quote, short } from "./shell-words.ts";
import { makeOwnVolume, makeSubPaths, ownMounts } from "./up-volumes.ts";

/** `plan` as rebased: all its paths below `dir`. */
export function makeUpScript(plan: Plan, dir: string): string {
  const body = [...plan.stages, ...plan.followers.flatMap(({ stages }) => stages)]
    .flat()
    .flatMap((step) => makeLines(plan, step));
  return `${[
    "#!/bin/sh",
    `# Brings pod ${plan.pod} up without peapod: unshare, mount and ${plan.runtime.kind} alone. As root; down.sh undoes it.`,
    "# Output of each container goes to logs/NAME.log.",
    "set -eu",
    ...makeHead(plan, dir),
    '[ ! -e runtime ] || { echo "up.sh: it is up already; see down.sh" >&2; exit 1; }',
    "trap '[ $? -eq 0 ] || ./down.sh' EXIT",
    "mkdir -p -m 0700 runtime logs ns",
    ...body,
    "",
    `echo "pod ${plan.pod} is up: $RUNTIME --root $PWD/runtime list"`,
  ].join("\n")}\n`;
}

export function makeDownScript(plan: Plan, dir: string): string {
  // The first process of a shared pid namespace goes last: its end kills all others.
  const containers = [...plan.containers].reverse();
  const mounts = [
    ...plan.stages.flat().flatMap((step): readonly { target: string }[] => {
      if (step.do === "map-ids") return step.maps;
      return step.do === "mount" ? step.mounts : [];
    }),
    ...ownMounts(plan),
  ];
  const { path, base, driver } = plan.sandbox.cgroup;
  const cgroups = driver === "cgroupfs" ? [path, base] : [];
  const made = ["ns", "shm", "volumes", "subpaths", "runtime", "idmap"];
  return `${[
    "#!/bin/sh",
    `# Ends pod ${plan.pod} and removes all that up.sh made. Logs stay. As root; may be run twice.`,
    "set -u",
    ...makeHead(plan, dir),
    ...containers.map(({ name }) => `[ ! -e runtime/${name} ] || runtime delete --force ${name}`),
    "",
    "# In reverse: what was mounted last is unmounted first.",
    ...[...mounts]
      .reverse()
      .map(({ target }) => `! mountpoint -q ${short(dir, target)} || umount ${short(dir, target)}`),
    ...plan.sandbox.namespaces.map(({ file }) => unmountNamespace(short(dir, file))),
    ...cgroups.map(removeCgroup),
    // Made by the runtime's systemd; the base is this directory's alone.
    ...(driver === "systemd" ? [`systemctl stop --quiet ${base.slice(1)} 2>/dev/null || true`] : []),
    "",
    `rm -rf ${[
      ...made,
      ...plan.containers.flatMap(({ paths, mounts: own }) =>
        [
          paths.upper,
          paths.work,
          paths.pidFile,
          ...(own.some(({ source }) => source.startsWith(`${paths.imageVolumes}/`)) ? [paths.imageVolumes] : []),
        ].map((one) => short(dir, one)),
      ),
    ].join(" ")}`,
    `rmdir ${plan.containers.map(({ paths }) => short(dir, paths.rootfs)).join(" ")} 2>/dev/null || true`,
  ].join("\n")}\n`;
}

function makeHead(plan: Plan, dir: string): string[] {
  const systemd = plan.sandbox.cgroup.driver === "systemd" ? " --systemd-cgroup" : "";
  return [
    `cd ${quote(dir)} || exit 1`,
    `RUNTIME=\${RUNTIME:-${quote(plan.runtime.path)}}`,
    `runtime() { "$RUNTIME" --root "$PWD/runtime"${systemd} "$@"; }`,
    "",
  ];
}

function makeLines(plan: Plan, step: Step): string[] {
  const { dir } = plan.paths;
  switch (step.do) {
    case "pin-namespaces":
      return [
        "",
        ...makePin(
          dir,
          plan.sandbox.namespaces.filter((pin) => pin.owner === step.owner && pin.from === "new"),
        ),
      ];
    case "mount":
      return [
        "",
        "# /dev/shm, volumes in memory, and an overlay for each container",
        ...step.mounts.flatMap((mount) => makeMount(dir, mount)),
      ];
    case "map-ids":
      return ["", "# owners as the pod's user namespace has them", ...makeIdMaps(dir, step)];
    case "make-volumes":
      return [
        "",
        "# volumes",
        ...plan.sandbox.volumes.flatMap((volume) => makeVolume(dir, volume)),
        ...makeSubPaths(dir, plan),
      ];
    case "create-container": {
      const container = plan.containers.find((one) => one.name === step.container);
      // It is run to its end instead of being started.
      if (container?.role === "init") return [];
      const bundle = short(dir, container?.paths.bundle ?? "");
      const pid = short(dir, container?.paths.pidFile ?? "");
      return [
        "",
        // crun changes into the bundle before it writes the file.
        `runtime create --bundle ${bundle} --pid-file "$PWD"/${pid} ${step.container} </dev/null >logs/${step.container}.log 2>&1`,
      ];
    }
    case "pin-from-container":
      return makePinFrom(plan, step.container);
    case "start-container":
      return makeStart(plan, step.container);
    // The runtime makes the cgroups, files and bundles are here already, and output goes straight to files.
    case "open-uplink":
    case "make-cgroup":
    case "make-files":
    // `peapod bundle` plans none.
    case "attach-networks":
    case "write-bundles":
    case "open-io":
      return [];
  }
}

/** An init container's end is waited for, and up.sh ends with it unless it ended with 0. */
function makeStart(plan: Plan, name: string): string[] {
  const container = plan.containers.find((one) => one.name === name);
  if (container?.role !== "init") return ["", `runtime start ${name}`];
  const bundle = short(plan.paths.dir, container.paths.bundle);
  return ["", `runtime run --bundle ${bundle} ${name} </dev/null >logs/${name}.log 2>&1`];
}

/** Each file becomes a mount of a new namespace, which then lives without a process (unshare(1)). */
function makePin(dir: string, pins: readonly PinnedNamespace[]): string[] {
  const files = pins.map(({ file }) => short(dir, file));
  const options = pins.map(({ kind, file }) => `--${kind}=${short(dir, file)}`);
  const offsets = pins.flatMap((pin) =>
    pin.offsets === undefined ? [] : [`--boottime ${pin.offsets.boottime}`, `--monotonic ${pin.offsets.monotonic}`],
  );
  const inside = pins.flatMap(({ kind, hostname, sysctls = {} }) => [
    ...(kind === "net" ? ["ip link set lo up"] : []),
    ...(kind === "uts" && hostname !== undefined ? [`hostname ${quote(hostname)}`] : []),
    ...Object.entries(sysctls).map(
      ([name, value]) => `printf %s ${quote(value)} >${quote(`/proc/sys/${swapDotsAndSlashes(name)}`)}`,
    ),
  ]);
  return [
    `# namespaces of ${pins[0]?.owner ?? "nobody"}`,
    `touch ${files.join(" ")}`,
    `unshare ${[...options, ...offsets].join(" ")} sh -c ${quote(inside.length > 0 ? inside.join(" && ") : ":")}`,
  ];
}

function makePinFrom(plan: Plan, container: string): string[] {
  const { dir } = plan.paths;
  const pidFile = plan.containers.find((one) => one.name === container)?.paths.pidFile ?? "";
  const pins = plan.sandbox.namespaces.filter((pin) => pin.from === container);
  return pins.flatMap(({ kind, file }) => [
    `touch ${short(dir, file)}`,
    `mount --bind "/proc/$(cat ${short(dir, pidFile)})/ns/${kind}" ${short(dir, file)}`,
  ]);
}

function makeMount(dir: string, mount: HostMount): string[] {
  const directories = mount.directories.map(({ path, mode, uid, gid }) => {
    const owner = uid === undefined ? "" : ` -o ${uid} -g ${gid ?? uid}`;
    return `install -d -m ${octal(mode)}${owner} ${short(dir, path)}`;
  });
  return [
    ...directories,
    `mount -t ${mount.type} -o ${quote(mount.options.join(","))} ${quote(mount.source)} ${short(dir, mount.target)}`,
  ];
}

function makeIdMaps(dir: string, { maps, mapping, program }: Extract<Step, { do: "map-ids" }>): string[] {
  return [
    ...maps.flatMap(({ source, target }) => {
      const [from, to] = [short(dir, source), short(dir, target)];
      return [`if [ -d ${from} ]; then mkdir -p ${to}; else mkdir -p "$(dirname ${to})" && touch ${to}; fi`];
    }),
    `chmod 0711 idmap`,
    [
      quote(program),
      ...makeIdMapArgs(mapping),
      ...maps.flatMap((one) => [short(dir, one.source), short(dir, one.target)]),
    ].join(" "),
  ];
}

function makeVolume(dir: string, volume: PlannedVolume): string[] {
  if (volume.kind === "image") return [`[ -d ${quote(volume.path)} ]`];
  if (volume.kind !== "host") return makeOwnVolume(dir, volume);
  const path = quote(volume.path);
  switch (volume.type) {
    case "":
      return [`[ -e ${path} ]`];
    case "DirectoryOrCreate":
      return [`[ -d ${path} ] || install -d -m 0755 ${path}`];
    case "FileOrCreate":
      return [`[ -f ${path} ] || install -m 0644 /dev/null ${path}`];
    case "Directory":
      return [`[ -d ${path} ]`];
    case "File":
      return [`[ -f ${path} ]`];
    case "Socket":
      return [`[ -S ${path} ]`];
    case "CharDevice":
      return [`[ -c ${path} ]`];
    case "BlockDevice":
      return [`[ -b ${path} ]`];
  }
}

/** A pinned namespace is a mount of a file: mountpoint(1) of old knows directories only. */
function unmountNamespace(file: string): string {
  return `[ ! -e ${file} ] || umount ${file} 2>/dev/null || true`;
}

/** `/peapod-x/pod` in v2 and in each hierarchy of v1. */
function removeCgroup(path: string): string {
  return `for one in /sys/fs/cgroup${path} /sys/fs/cgroup/*${path}; do [ ! -d "$one" ] || rmdir "$one"; done`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
