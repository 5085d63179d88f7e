import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import type { OciSeccomp, OciSyscallArg } from "../../../src/bundle/oci-config.ts";
import { makeSeccomp } from "../../../src/bundle/seccomp.ts";
import { DEFAULT_CAPABILITIES } from "../../../src/plan/capabilities.ts";

const PODMAN = "/usr/share/containers/seccomp.json";
const DEFAULTS = DEFAULT_CAPABILITIES.map((name) => `CAP_${name}`);

/** Refused with the default capabilities although podman allows them: containerd's filter does not. */
const REFUSED_BY_CONTAINERD = [
  ..."clone3 fsconfig fsmount fsopen fspick get_mempolicy keyctl mbind mount mount_setattr move_mount open_tree".split(
    " ",
  ),
  ..."pidfd_getfd pivot_root reboot set_mempolicy setns syslog umount umount2 unshare".split(" "),
];

interface PodmanRule {
  names: string[];
  action: string;
  args?: unknown[] | null;
  includes?: { caps?: string[]; arches?: string[] };
  excludes?: { caps?: string[] };
}

/** What podman's profile allows whatever its arguments, by its own conditions. */
function podmanAllows(capabilities: readonly string[], arch: string): Set<string> {
  const profile = JSON.parse(readFileSync(PODMAN, "utf8")) as { syscalls: PodmanRule[] };
  const applies = ({ includes, excludes }: PodmanRule) =>
    (includes?.caps ?? []).every((name) => capabilities.includes(name)) &&
    !(excludes?.caps ?? []).some((name) => capabilities.includes(name)) &&
    (includes?.arches === undefined || includes.arches.includes(arch));
  const allowed = new Set<string>();
  for (const rule of profile.syscalls) {
    if (rule.action === "SCMP_ACT_ALLOW" && applies(rule)) for (const name of rule.names) allowed.add(name);
  }
  return allowed;
}

function ourAllowed(seccomp: OciSeccomp): Set<string> {
  return new Set(seccomp.syscalls.filter((rule) => rule.action === "SCMP_ACT_ALLOW").flatMap((rule) => rule.names));
}

const without = { skip: existsSync(PODMAN) ? false : `podman's profile is not installed (${PODMAN})` };

t.test("we allow what podman allows but for what containerd refuses", without, (t) => {
  for (const [arch, podmans] of [
    ["x64", "amd64"],
    ["arm64", "arm64"],
  ] as const) {
    const ours = ourAllowed(makeSeccomp(arch, DEFAULTS));
    const theirs = podmanAllows(DEFAULTS, podmans);
    t.strictSame(
      [...ours].filter((name) => !theirs.has(name)),
      [],
      `${arch}: nothing that podman refuses`,
    );
    // The profile's own lists overlap: what it allows and refuses by name at once is allowed.
    t.strictSame(
      [...theirs].filter((name) => !ours.has(name)).sort(),
      [...REFUSED_BY_CONTAINERD].sort(),
      `${arch}: and all the rest`,
    );
  }
  t.end();
});

t.test("each capability opens what podman opens with it", without, (t) => {
  const profile = JSON.parse(readFileSync(PODMAN, "utf8")) as { syscalls: PodmanRule[] };
  const capabilities = new Set(profile.syscalls.flatMap((rule) => rule.includes?.caps ?? []));
  t.ok(capabilities.size >= 9);
  for (const capability of capabilities) {
    const base = podmanAllows([], "amd64");
    const opened = [...podmanAllows([capability], "amd64")].filter((name) => !base.has(name));
    const ours = ourAllowed(makeSeccomp("x64", [capability]));
    t.strictSame(
      opened.filter((name) => !ours.has(name)),
      [],
      capability,
    );
  }
  t.end();
});

t.test("system calls that containerd ties to a capability come with it", (t) => {
  const rows: [string, string[]][] = [
    ["CAP_SYS_ADMIN", ["mount", "umount2", "unshare", "setns", "clone3", "syslog", "fsopen"]],
    ["CAP_SYS_BOOT", ["reboot"]],
    ["CAP_SYS_NICE", ["mbind", "set_mempolicy", "get_mempolicy"]],
    ["CAP_SYS_PTRACE", ["pidfd_getfd"]],
    ["CAP_SYSLOG", ["syslog"]],
  ];
  const closed = ourAllowed(makeSeccomp("x64", []));
  for (const [capability, names] of rows) {
    const open = ourAllowed(makeSeccomp("x64", [capability]));
    t.ok(
      names.every((name) => open.has(name) && !closed.has(name)),
      capability,
    );
  }
  t.notOk(ourAllowed(makeSeccomp("x64", ["CAP_SYS_ADMIN"])).has("keyctl"), "the keyring is not a namespace: never");
  t.end();
});

/** What the filter answers to one call with these arguments, as seccomp(2) would compare them. */
function verdict(seccomp: OciSeccomp, name: string, args: readonly number[]): string {
  const holds = ({ index, value, valueTwo, op }: OciSyscallArg): boolean => {
    const actual = args[index] ?? 0;
    switch (op) {
      case "SCMP_CMP_EQ":
        return actual === value;
      case "SCMP_CMP_NE":
        return actual !== value;
      case "SCMP_CMP_LT":
        return actual < value;
      case "SCMP_CMP_GT":
        return actual > value;
      case "SCMP_CMP_MASKED_EQ":
        return (BigInt(actual) & BigInt(value)) === BigInt(valueTwo ?? 0);
    }
  };
  const hits = seccomp.syscalls.filter((rule) => rule.names.includes(name) && (rule.args ?? []).every(holds));
  return (
    [...new Set(hits.map((rule) => (rule.action === "SCMP_ACT_ALLOW" ? "allowed" : `errno ${rule.errnoRet}`)))].join(
      " and ",
    ) || "default"
  );
}

t.test("clone makes processes and threads, and namespaces only with CAP_SYS_ADMIN", (t) => {
  const SIGCHLD = 17;
  const closed = makeSeccomp("x64", DEFAULTS);
  t.equal(verdict(closed, "clone", [SIGCHLD]), "allowed");
  t.equal(verdict(closed, "clone", [0x3d0f00]), "allowed", "a thread");
  for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
    t.equal(verdict(closed, "clone", [flag + SIGCHLD]), "errno 1", flag.toString(16));
    t.equal(verdict(makeSeccomp("x64", ["CAP_SYS_ADMIN"]), "clone", [flag + SIGCHLD]), "allowed");
  }
  t.equal(verdict(closed, "clone3", []), "default", "ENOSYS, so that libc falls back to clone");
  t.equal(closed.defaultErrnoRet, 38);
  t.end();
});

t.test("socket takes every family but vsock, and the audit protocol only with CAP_AUDIT_WRITE", (t) => {
  const [AF_NETLINK, AF_VSOCK, NETLINK_AUDIT] = [16, 40, 9];
  const closed = makeSeccomp("x64", DEFAULTS);
  const audit = makeSeccomp("x64", [...DEFAULTS, "CAP_AUDIT_WRITE"]);
  for (let family = 0; family < 64; family++) {
    const expected = family === AF_VSOCK ? "errno 1" : "allowed";
    t.equal(verdict(closed, "socket", [family, 0, 0]), expected, `family ${family}`);
    t.equal(verdict(audit, "socket", [family, 0, NETLINK_AUDIT]), expected, `family ${family} with CAP_AUDIT_WRITE`);
  }
  t.equal(verdict(closed, "socket", [AF_NETLINK, 0, NETLINK_AUDIT]), "errno 22");
  t.equal(verdict(closed, "socket", [2, 0, NETLINK_AUDIT]), "allowed", "the number means something else elsewhere");
  t.end();
});

t.test("no system call is allowed and refused at once", (t) => {
  for (const capabilities of [[], DEFAULTS, ["CAP_SYS_ADMIN"], ["CAP_SYSLOG"]]) {
    const seccomp = makeSeccomp("x64", capabilities);
    const plain = seccomp.syscalls.filter((rule) => rule.args === undefined);
    const names = plain.flatMap((rule) => rule.names);
    t.equal(new Set(names).size, names.length, capabilities.join(" ") || "no capability");
  }
  t.end();
});
