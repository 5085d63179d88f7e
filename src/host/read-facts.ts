// Reads what this machine is, from /proc alone: no program is started for it.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { arch, availableParallelism, hostname, networkInterfaces, release, totalmem } from "node:os";
import { join } from "node:path";
import { readNames, readTextIfAny } from "../base/files.ts";
import { CAPABILITY_NAMES } from "./capability-names.ts";
import type { HostDevice, HostFacts, SubordinateIds } from "./facts.ts";
import { type MountEntry, parseMountTable } from "./mount-table.ts";
import { readDevice } from "./read-device.ts";
import { readUserFacts } from "./read-user.ts";

export function readHostFacts(): HostFacts {
  const status = readFileSync("/proc/self/status", "utf8");
  const allMounts = findCgroupMounts(parseMountTable(readFileSync("/proc/self/mountinfo", "utf8")));
  const cgroupLayout = layoutOf(allMounts);
  const user = readUserFacts(cgroupLayout === "v2" ? allMounts.unified : undefined);
  const cgroupMounts = user === undefined || user.cgroup !== undefined ? allMounts : {};
  const subordinateIds = readSubordinateIds();
  return {
    kernel: release(),
    arch: arch(),
    cgroupLayout,
    cgroupMounts,
    isRoot: process.getuid?.() === 0,
    ...(user === undefined ? {} : { user }),
    hasTimeNamespaces: existsSync("/proc/self/ns/time"),
    hasSeccomp: /^Seccomp:/m.test(status),
    // The bounding set cuts what any program gets that we run (capabilities(7)).
    capabilities: parseCapabilities(maskOf(status, "CapEff") & maskOf(status, "CapBnd")),
    hostname: hostname(),
    ...(subordinateIds === undefined ? {} : { subordinateIds }),
    // Which are loaded is told to root alone, and so are they chosen.
    ...(hasAppArmor() && user === undefined ? { appArmorProfiles: readAppArmorProfiles() } : {}),
    // Containers that name a label ask.
    get hasSeLinux() {
      return existsSync("/sys/fs/selinux/enforce");
    },
    // Seldom asked for.
    get cpus() {
      return availableParallelism();
    },
    // Only pods with limits ask for these four.
    get cgroupControllers() {
      return readControllers(cgroupMounts.unified, user?.cgroup ?? "");
    },
    get memoryBytes() {
      return totalmem();
    },
    get oomScoreAdj() {
      return Number(readTextIfAny("/proc/self/oom_score_adj")?.trim() ?? 0);
    },
    get limitsSwap() {
      // Version 2's file is not in the root; it comes with swap itself.
      const { memory } = cgroupMounts;
      return existsSync(memory === undefined ? "/proc/swaps" : `${memory}/memory.memsw.limit_in_bytes`);
    },
    get address() {
      return readAddress();
    },
    get hugePages() {
      return readNames("/sys/kernel/mm/hugepages").map((name) => name.replace(/^hugepages-/, ""));
    },
    get devices() {
      // Only privileged containers ask; a walk over /dev is not free.
      return readDevices("/dev");
    },
  };
}

function readControllers(unified: string | undefined, base: string): readonly string[] {
  const text = unified === undefined ? "" : (readTextIfAny(`${unified}${base}/cgroup.controllers`) ?? "");
  return text.split(/\s+/).filter((name) => name !== "");
}

const CGROUP_ROOT = "/sys/fs/cgroup/";

/**
 * Mount points by v1 controller (`cpu`, `name=systemd`), and `unified`; pure. Where the machine has them at their usual place,
 * others are somebody's for a moment: CRIU's, for one, while it makes a copy.
 */
export function findCgroupMounts(mounts: readonly MountEntry[]): Readonly<Record<string, string>> {
  const all = mounts.filter(({ type }) => type === "cgroup" || type === "cgroup2");
  const usual = all.filter(({ target }) => `${target}/`.startsWith(CGROUP_ROOT));
  const found: Record<string, string> = {};
  for (const mount of usual.length > 0 ? usual : all) {
    if (mount.type === "cgroup2") found.unified ??= mount.target;
    if (mount.type !== "cgroup") continue;
    for (const option of mount.superOptions) {
      if (
        !["rw", "ro", "xattr", "noprefix", "clone_children"].includes(option) &&
        !option.startsWith("release_agent")
      ) {
        found[option] ??= mount.target;
      }
    }
  }
  return found;
}

export function layoutOf(mounts: Readonly<Record<string, string>>): HostFacts["cgroupLayout"] {
  const hasV1 = Object.keys(mounts).some((name) => name !== "unified");
  if (!hasV1) return "v2";
  return mounts.unified === undefined ? "v1" : "hybrid";
}

/** IPv4 of the interface with the default route, else of any that is not the loopback. */
function readAddress(): string {
  const routes = (readTextIfAny("/proc/net/route") ?? "").split("\n").map((line) => line.split("\t"));
  const outside = routes.find(([, destination]) => destination === "00000000")?.[0];
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map((one) => ({ ...one, name })),
  );
  const usable = all.filter(({ family, internal }) => family === "IPv4" && !internal);
  return (usable.find(({ name }) => name === outside) ?? usable[0])?.address ?? "127.0.0.1";
}

/** A hexadecimal mask of proc_pid_status(5). */
function maskOf(status: string, field: string): bigint {
  return BigInt(`0x${new RegExp(`^${field}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0"}`);
}

/** A mask of capabilities as names without `CAP_`. */
export function parseCapabilities(bits: bigint): readonly string[] {
  return CAPABILITY_NAMES.filter((_, index) => ((bits >> BigInt(index)) & 1n) === 1n);
}

function hasAppArmor(): boolean {
  return readTextIfAny("/sys/module/apparmor/parameters/enabled")?.trim() === "Y";
}

function readAppArmorProfiles(): readonly string[] {
  const lines = (readTextIfAny("/sys/kernel/security/apparmor/profiles") ?? "").split("\n");
  return lines.flatMap((line) => /^(.*) \([a-z]+\)$/.exec(line)?.[1] ?? []);
}

/** Those of the user peapod, or of `containers` as podman's documentation proposes, or root's (subuid(5)). */
function readSubordinateIds(): { uid: SubordinateIds; gid: SubordinateIds } | undefined {
  const uid = parseSubordinateIds(readTextIfAny("/etc/subuid") ?? "");
  const gid = parseSubordinateIds(readTextIfAny("/etc/subgid") ?? "");
  return uid && gid ? { uid, gid } : undefined;
}

export function parseSubordinateIds(text: string): SubordinateIds | undefined {
  for (const user of ["peapod", "containers", "root", "0"]) {
    for (const line of text.split("\n")) {
      const [name, first, count] = line.split(":");
      if (name === user && Number(count) >= 65536) return { first: Number(first), count: Number(count) };
    }
  }
  return undefined;
}

/** Terminals and what belongs to them are each container's own. */
const OWN_DEVICES = new Set(["console", "ptmx", "pts", "shm", "mqueue", "fd", "stdin", "stdout", "stderr", "tty"]);

function readDevices(dir: string): HostDevice[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry): HostDevice[] => {
    const path = join(dir, entry.name);
    if (dir === "/dev" && OWN_DEVICES.has(entry.name)) return [];
    if (entry.isDirectory()) return readDevices(path);
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
    const found = readDevice(path);
    return found === undefined ? [] : [found];
  });
}
