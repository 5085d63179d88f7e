import t from "tap";
import { PeapodError } from "../../../src/base/errors.ts";
import { namespaceOfSysctl } from "../../../src/manifest/check-security.ts";
import type { Fault } from "../../../src/manifest/manifest.ts";
import { aManifest, type PodWords } from "../../support/planning.ts";

function faultsOf(words: PodWords): string[] {
  try {
    aManifest(words);
    return [];
  } catch (error) {
    if (error instanceof PeapodError)
      return (error.detail as Fault[]).map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
}

const own = (securityContext: object): PodWords => ({ containers: { web: { securityContext } } });
const ofPod = (securityContext: object, spec: object = {}): PodWords => ({ spec: { ...spec, securityContext } });

t.test("a capability is one by any case and with its prefix", async (t) => {
  const written = { add: ["net_admin", "CAP_SYS_TIME", "Cap_kill"], drop: ["all"] };
  const [container] = aManifest(own({ capabilities: written })).spec.containers;
  t.strictSame(container?.securityContext.capabilities, { add: ["NET_ADMIN", "SYS_TIME", "KILL"], drop: ["ALL"] });
  t.match(faultsOf(own({ allowPrivilegeEscalation: false, capabilities: { add: ["cap_sys_admin"] } })), [
    /cannot be SYS_ADMIN together/,
  ]);
});

t.test("what Kubernetes refuses together is refused", async (t) => {
  const at = "spec.containers[0].securityContext";
  const table: [words: PodWords, expected: string | RegExp][] = [
    [
      own({ allowPrivilegeEscalation: false, privileged: true }),
      `${at}.allowPrivilegeEscalation: cannot be false together with privileged: true`,
    ],
    [own({ allowPrivilegeEscalation: false, capabilities: { add: ["SYS_ADMIN"] } }), /cannot be SYS_ADMIN together/],
    [own({ allowPrivilegeEscalation: false, capabilities: { add: ["ALL"] } }), /cannot be ALL together/],
    [own({ seccompProfile: { type: "Localhost" } }), `${at}.seccompProfile: must have localhostProfile with Localhost`],
    [
      own({ seccompProfile: { type: "Unconfined", localhostProfile: "a" } }),
      /goes with type Localhost only, not with Unconfined/,
    ],
    [own({ seccompProfile: { type: "Localhost", localhostProfile: "/etc/a" } }), /must be a relative path/],
    [own({ seccompProfile: { type: "Localhost", localhostProfile: "a/../../b" } }), /must not contain \.\./],
    [own({ seccompProfile: { type: "runtime/default" } }), /seccompProfile\.type: must be/],
    [
      ofPod({ appArmorProfile: { type: "Localhost" } }),
      "spec.securityContext.appArmorProfile: must have localhostProfile with Localhost",
    ],
    [ofPod({ appArmorProfile: { type: "Localhost", localhostProfile: " a" } }), /without blanks around it/],
    [ofPod({ runAsUser: -1 }), /spec\.securityContext\.runAsUser/],
    [ofPod({ supplementalGroups: [2147483648] }), /supplementalGroups\[0\]/],
    [ofPod({ windowsOptions: {} }), /this is Linux/],
    [ofPod({}, { hostUsers: false, hostNetwork: true }), /^spec\.hostNetwork: cannot be true with hostUsers: false/],
    [ofPod({}, { hostUsers: false, hostPID: true }), /^spec\.hostPID: cannot be true with hostUsers: false/],
    [ofPod({}, { hostUsers: false, hostIPC: true }), /^spec\.hostIPC: cannot be true with hostUsers: false/],
  ];
  for (const [words, expected] of table) {
    const faults = faultsOf(words);
    t.equal(faults.length, 1, JSON.stringify(words));
    t.match(faults[0], expected);
  }
  t.strictSame(faultsOf(own({ allowPrivilegeEscalation: true, privileged: true })), []);
});

t.test("annotations that once said it are not read as free words", async (t) => {
  const annotations = {
    "container.apparmor.security.beta.kubernetes.io/web": "runtime/default",
    "seccomp.security.alpha.kubernetes.io/pod": "docker/default",
    "container.seccomp.security.alpha.kubernetes.io/web": "unconfined",
    "security.alpha.kubernetes.io/unsafe-sysctls": "kernel.msgmax=1",
  };
  const faults = faultsOf({ annotations });
  t.equal(faults.length, 4);
  for (const fault of faults)
    t.match(fault, /is not understood any more, in Kubernetes neither; set .*securityContext/);
});

t.test("parameters of the whole machine are refused, and each is named once, however it is written", async (t) => {
  const sysctls = (...names: string[]) => ofPod({ sysctls: names.map((name) => ({ name, value: "1" })) });
  t.match(faultsOf(sysctls("vm.swappiness")), [/"vm\.swappiness" is one for the whole machine, not of a namespace/]);
  t.match(faultsOf(sysctls("kernel.hostname")), [/is set by spec\.hostname/]);
  t.match(faultsOf(sysctls("net.core.somaxconn", "net/core/somaxconn")), [/is there twice \(first in line/]);
  t.match(faultsOf(sysctls("net/../../kernel/core_pattern")), [/must be the name of a kernel parameter/]);
  t.match(faultsOf(sysctls("net..x")), [/must be the name/]);
  t.match(faultsOf(ofPod({ sysctls: [{ name: "net.core.somaxconn", value: 7 }] })), [/put it in quotes/]);
  t.match(faultsOf(ofPod({ sysctls: [{ name: "net.core.somaxconn", value: "1\n2" }] })), [/must be one line of text/]);
  const { spec } = aManifest(sysctls("net/ipv4/conf/eth0.100/forwarding"));
  t.equal(spec.securityContext.sysctls[0]?.name, "net.ipv4.conf.eth0/100.forwarding");
  for (const name of ["kernel.shmmax", "kernel.sem", "kernel.msgmnb", "kernel.shm_rmid_forced", "fs.mqueue.msg_max"])
    t.equal(namespaceOfSysctl(name), "ipc", name);
  for (const name of ["kernel.shm", "kernel.semaphore", "kernel.core_pattern", "fs.file-max", "vm.overcommit_memory"])
    t.equal(namespaceOfSysctl(name), undefined, name);
});
