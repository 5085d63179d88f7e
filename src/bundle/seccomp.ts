// The default seccomp filter: system calls that podman and containerd both let a container make with the same
// capabilities. The names are data (bundles/profiles/seccomp.json); the conditions are here.

import data from "../../bundles/profiles/seccomp.json" with { type: "json" };
import type { OciSeccomp, OciSyscallArg, OciSyscalls } from "./oci-config.ts";

const EPERM = 1;
const EINVAL = 22;
/** For what is not named at all: programs then try an older call, as on an older kernel. */
const ENOSYS = 38;

/**
 * Without x32, which most kernels are built without: runc spends 7 ms of each create on one more architecture. A call
 * of an architecture that is not here ends its process.
 */
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

/** clone(2)'s flags that make namespaces; CLONE_NEWTIME only exists in clone3(2), which is refused as a whole. */
const NEW_NAMESPACE_FLAGS = [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];

/** `arch`: Node's word. `capabilities`: the bounding set, with `CAP_`. */
export function makeSeccomp(arch: string, capabilities: readonly string[]): OciSeccomp {
  const held = new Set(capabilities);
  const allowed = words(data.allow);
  const refused = words(data.refuse);
  for (const [capability, lines] of Object.entries(data.allowWith)) {
    (held.has(capability) ? allowed : refused).push(...words(lines));
  }
  const ofArch: Readonly<Record<string, readonly string[]>> = data.allowOn;
  allowed.push(...words(ofArch[arch] ?? []));
  const names = new Set(allowed);
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: ENOSYS,
    architectures: ARCHITECTURES[arch] ?? [],
    syscalls: [
      allow([...names].sort()),
      // clone3 hides its flags behind a pointer where no filter can look: unnamed, so that libc falls back to clone.
      refuse([...new Set(refused)].filter((name) => name !== "clone3" && !names.has(name)).sort(), EPERM),
      ...makeClone(held.has("CAP_SYS_ADMIN")),
      ...makeSocket(held.has("CAP_AUDIT_WRITE")),
      ...data.personality.map((value) => allow(["personality"], [{ index: 0, value, op: "SCMP_CMP_EQ" }])),
    ],
  };
}

function makeClone(isAdmin: boolean): OciSyscalls[] {
  if (isAdmin) return [allow(["clone"])];
  const all = NEW_NAMESPACE_FLAGS.reduce((sum, flag) => sum + flag, 0);
  return [
    allow(["clone"], [{ index: 0, value: all, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }]),
    ...NEW_NAMESPACE_FLAGS.map((flag) =>
      refuse(["clone"], EPERM, [{ index: 0, value: flag, valueTwo: flag, op: "SCMP_CMP_MASKED_EQ" }]),
    ),
  ];
}

const AF_NETLINK = 16;
const NETLINK_AUDIT = 9;
const AF_VSOCK = 40;

/**
 * AF_VSOCK speaks to the hypervisor past every network namespace; NETLINK_AUDIT is for CAP_AUDIT_WRITE. A rule may look
 * at an argument only once, so "neither 16 nor 40" is written as the blocks of numbers around them.
 */
function makeSocket(mayAudit: boolean): OciSyscalls[] {
  const family = (value: number, op: "SCMP_CMP_EQ" | "SCMP_CMP_LT" | "SCMP_CMP_GT"): OciSyscallArg => ({
    index: 0,
    value,
    op,
  });
  const block = (first: number, size: number): OciSyscallArg => ({
    index: 0,
    value: 0xffff_ffff - (size - 1),
    valueTwo: first,
    op: "SCMP_CMP_MASKED_EQ",
  });
  const protocol = (op: "SCMP_CMP_EQ" | "SCMP_CMP_NE"): OciSyscallArg => ({ index: 2, value: NETLINK_AUDIT, op });
  const netlink = family(AF_NETLINK, "SCMP_CMP_EQ");
  const rules: OciSyscallArg[][] = [
    [family(AF_NETLINK, "SCMP_CMP_LT")],
    mayAudit ? [netlink] : [netlink, protocol("SCMP_CMP_NE")],
    [family(17, "SCMP_CMP_EQ")],
    [block(18, 2)],
    [block(20, 4)],
    [block(24, 8)],
    [block(32, 8)],
    [family(AF_VSOCK, "SCMP_CMP_GT")],
  ];
  return [
    ...rules.map((args) => allow(["socket"], args)),
    ...(mayAudit ? [] : [refuse(["socket"], EINVAL, [netlink, protocol("SCMP_CMP_EQ")])]),
    refuse(["socket"], EPERM, [family(AF_VSOCK, "SCMP_CMP_EQ")]),
  ];
}

function allow(names: readonly string[], args?: readonly OciSyscallArg[]): OciSyscalls {
  return { names, action: "SCMP_ACT_ALLOW", ...(args === undefined ? {} : { args }) };
}

function refuse(names: readonly string[], errnoRet: number, args?: readonly OciSyscallArg[]): OciSyscalls {
  return { names, action: "SCMP_ACT_ERRNO", errnoRet, ...(args === undefined ? {} : { args }) };
}

function words(lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(" "));
}
