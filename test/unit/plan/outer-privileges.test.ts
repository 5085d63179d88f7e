import t from "tap";
import { PeapodError } from "../../../src/base/errors.ts";
import type { HostDevice } from "../../../src/host/facts.ts";
import type { OuterConfig } from "../../../src/plan/outer.ts";
import { assertGiven } from "../../../src/plan/outer-privileges.ts";
import { aManifest, type PodWords } from "../../support/planning.ts";

const PLAIN: OuterConfig = { process: { user: { uid: 0, gid: 0 } }, root: { path: "rootfs" } };
const FILTERED: OuterConfig = { ...PLAIN, linux: { seccomp: {} } };
const MOUNTED: OuterConfig = {
  ...PLAIN,
  mounts: ["/etc/hosts", "/etc/resolv.conf"].map((destination) => ({ destination })),
};

const FUSE = { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 } as const;

function answer(own: object, config: OuterConfig = PLAIN, spec: Record<string, unknown> = {}): string {
  return answerTo({ spec, containers: { web: { securityContext: own } } }, config);
}

function answerTo(words: PodWords, config: OuterConfig, devices: readonly HostDevice[] = []): string {
  try {
    assertGiven(aManifest(words), config, new Map(devices.map((one) => [one.path, one])));
  } catch (error) {
    if (error instanceof PeapodError) return `${error.code} ${error.message}; ${error.hint}`;
    throw error;
  }
  return "given";
}

t.test("what is the caller's to give is refused with the option that gives it", (t) => {
  const local = (field: string) => ({ [field]: { type: "Localhost", localhostProfile: "a" } });
  const table: [answer: string, expected: RegExp][] = [
    [answer({}, PLAIN, { hostUsers: false }), /^NOT_SUPPORTED pod: a user namespace .*spec\.hostUsers.*--userns/],
    [
      answer({}, PLAIN, { securityContext: { sysctls: [{ name: "net.core.somaxconn", value: "7" }] } }),
      /^NOT_SUPPORTED sysctl net\.core\.somaxconn: .*docker run --sysctl net\.core\.somaxconn=7$/,
    ],
    [
      answer({}, MOUNTED, { hostAliases: [{ ip: "192.0.2.7", hostnames: ["db"] }] }),
      /^NOT_SUPPORTED pod: its hosts file is .*spec\.hostAliases\); .*docker run --add-host db:192\.0\.2\.7$/,
    ],
    [
      answer({}, MOUNTED, { dnsConfig: { searches: ["a"] } }),
      /^NOT_SUPPORTED pod: its resolv\.conf is .*spec\.dnsConfig\); .*docker run --dns, /,
    ],
    [answer(local("seccompProfile")), /^NOT_PERMITTED container web: .*not Localhost .*--security-opt seccomp/],
    [answer({ seccompProfile: { type: "Unconfined" } }, FILTERED), /^NOT_PERMITTED .*not Unconfined/],
    [answer(local("appArmorProfile")), /^NOT_PERMITTED .*AppArmor.*--security-opt apparmor/],
    [answer({ seLinuxOptions: { type: "spc_t" } }), /^NOT_PERMITTED .*SELinux/],
    [answer({ procMount: "Unmasked" }), /^NOT_PERMITTED .*\/proc/],
    [
      answer({ runAsUser: 0 }, { ...PLAIN, process: { user: { uid: 5, gid: 5 }, noNewPrivileges: true } }),
      /^NOT_PERMITTED container web: cannot run as root: /,
    ],
  ];
  for (const [told, expected] of table) t.match(told, expected);
  t.end();
});

t.test("what takes nothing away from the caller's rules is given", (t) => {
  t.equal(answer({ seccompProfile: { type: "RuntimeDefault" } }, FILTERED), "given");
  t.equal(answer({ seccompProfile: { type: "Unconfined" } }), "given");
  const names = { hostname: "a", subdomain: "b", setHostnameAsFQDN: true, dnsPolicy: "Default" };
  t.equal(answer({}, MOUNTED, names), "given", "the name is the caller's, whatever the pod is called");
  const files = { hostAliases: [{ ip: "192.0.2.7" }], dnsConfig: { searches: ["a"] } };
  t.equal(answer({}, PLAIN, files), "given", "the caller has no such files");
  t.equal(
    answer({ appArmorProfile: { type: "RuntimeDefault" }, allowPrivilegeEscalation: false, runAsUser: 7 }),
    "given",
  );
  t.end();
});

t.test("a device is the caller's to give, by the last of his rules that is about it", (t) => {
  const DENY = { allow: false, access: "rwm" };
  const rule = (access: string, more: object = {}) => ({
    allow: true,
    type: "c",
    major: 10,
    minor: 229,
    access,
    ...more,
  });
  const told = (rules: readonly object[], readOnly: boolean, devices: readonly HostDevice[] = [FUSE]) => {
    const volumes = [{ name: "fuse", hostPath: { path: "/dev/fuse", type: "CharDevice" } }];
    const volumeMounts = [{ name: "fuse", mountPath: "/d", readOnly }];
    const config = { ...PLAIN, linux: { resources: { devices: rules } } };
    return answerTo({ spec: { volumes }, containers: { web: { volumeMounts } } }, config, devices);
  };
  const refused = /^NOT_PERMITTED volume fuse: .* \(pod.yaml:\d+ spec\.volumes\[0\]\); .*docker run --device/;
  t.equal(told([DENY, rule("rwm")], false), "given");
  t.equal(told([DENY, rule("r")], true), "given");
  t.equal(told([{ allow: true, access: "rwm" }], false), "given");
  t.equal(told([DENY, rule("rw", { minor: -1 })], false), "given");
  t.match(told([DENY, rule("r")], false), refused);
  t.match(told([rule("rw"), DENY], false), refused);
  t.match(told([DENY, rule("rw", { type: "b" })], true), refused);
  t.match(told([], true), refused);
  t.match(told([DENY, rule("rwm")], false, []), refused, "it is not there");
  t.end();
});
