import t from "tap";
import { makeSeccompFilter, type SeccompProfile } from "../../../src/plan/seccomp-filter.ts";

const HOST = { arch: "x64", kernel: "6.1.0-18-amd64", capabilities: ["CAP_KILL", "CAP_SYS_ADMIN"] };

type Rule = NonNullable<SeccompProfile["syscalls"]>[number];

function namesOf(...rules: Partial<Rule>[]): string {
  const syscalls = rules.map((rule, index): Rule => ({ names: [`call${index}`], action: "SCMP_ACT_ALLOW", ...rule }));
  const { syscalls: made } = makeSeccompFilter({ defaultAction: "SCMP_ACT_ERRNO", syscalls }, HOST);
  return made.flatMap(({ names }) => names).join(" ");
}

t.test("a rule counts where all that it includes is there and nothing that it excludes", (t) => {
  const table: [rule: Partial<Rule>, counts: boolean][] = [
    [{}, true],
    [{ includes: null, excludes: null }, true],
    [{ includes: {} }, true],
    [{ includes: { caps: ["CAP_KILL"] } }, true],
    [{ includes: { caps: ["CAP_KILL", "CAP_BPF"] } }, false],
    [{ excludes: { caps: ["CAP_KILL", "CAP_BPF"] } }, false],
    [{ excludes: { caps: ["CAP_BPF"] } }, true],
    [{ includes: { arches: ["amd64", "arm64"] } }, true],
    [{ includes: { arches: ["arm64"] } }, false],
    [{ excludes: { arches: ["amd64"] } }, false],
    [{ includes: { minKernel: "4.8" } }, true],
    [{ includes: { minKernel: "6.1" } }, true],
    [{ includes: { minKernel: "6.10" } }, false],
    [{ excludes: { minKernel: "4.8" } }, false],
    [{ excludes: { minKernel: "7.0" } }, true],
    [{ names: [] }, false],
  ];
  for (const [rule, counts] of table)
    t.equal(namesOf(rule), counts && rule.names === undefined ? "call0" : "", JSON.stringify(rule));
  t.equal(namesOf({ name: "old", names: ["new"] }), "old new", "both ways to name calls");
  t.end();
});

t.test("errors come by number or name, architectures by list or map", (t) => {
  const made = makeSeccompFilter(
    {
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrno: "ENOSYS",
      archMap: [
        { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
        { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
      ],
      flags: ["SECCOMP_FILTER_FLAG_LOG"],
      syscalls: [
        { names: ["a"], action: "SCMP_ACT_ERRNO", errno: "EPERM", args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }] },
        { names: ["b"], action: "SCMP_ACT_ERRNO", errno: "EPERM", errnoRet: 5, args: null },
      ],
    },
    HOST,
  );
  t.strictSame(made, {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
    flags: ["SECCOMP_FILTER_FLAG_LOG"],
    syscalls: [
      { names: ["a"], action: "SCMP_ACT_ERRNO", errnoRet: 1, args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }] },
      { names: ["b"], action: "SCMP_ACT_ERRNO", errnoRet: 5 },
    ],
  });
  const listed = makeSeccompFilter({ defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86"] }, HOST);
  t.strictSame(listed, { defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86"], syscalls: [] });
  t.end();
});
