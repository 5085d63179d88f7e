import t from "tap";
import { makeConfig } from "../../../src/bundle/make-config.ts";
import { makeUnshareArgs } from "../../../src/host/namespaces.ts";
import { aPlan, containerOf, type PodWords, refusalOf } from "../../support/planning.ts";

const SYSCTLS = [
  { name: "net.core.somaxconn", value: "7" },
  { name: "kernel.shmmax", value: "8" },
  { name: "kernel.domainname", value: "it's" },
];

function words(more: Partial<PodWords> & { spec?: object } = {}): PodWords {
  return { ...more, spec: { ...more.spec, securityContext: { sysctls: SYSCTLS } } };
}

t.test("each parameter is written once, where its namespace is made", (t) => {
  const plan = aPlan(words({ containers: ["web", "db"] }));
  const pins = Object.fromEntries(plan.sandbox.namespaces.map(({ kind, sysctls }) => [kind, sysctls]));
  t.strictSame(pins, {
    net: { "net.core.somaxconn": "7" },
    ipc: { "kernel.shmmax": "8" },
    uts: { "kernel.domainname": "it's" },
  });
  t.equal(makeConfig(plan, containerOf(plan, "web")).linux.sysctl, undefined, "who joins finds them set");
  const script = makeUnshareArgs(plan.sandbox.namespaces).join("\n");
  t.match(script, "{ printf %s '7' > '/proc/sys/net/core/somaxconn'; }");
  t.match(script, "{ printf %s 'it'\\''s' > '/proc/sys/kernel/domainname'; }");
  t.end();
});

t.test("the runtime sets what it makes itself", (t) => {
  const own = aPlan(words({ containers: ["web", "db"], annotations: { "peapod/namespaces.db": "net=private" } }));
  t.strictSame(makeConfig(own, containerOf(own, "db")).linux.sysctl, { "net.core.somaxconn": "7" });
  t.equal(makeConfig(own, containerOf(own, "web")).linux.sysctl, undefined);
  const users = aPlan(words({ spec: { hostUsers: false } }));
  t.strictSame(
    Object.keys(makeConfig(users, containerOf(users, "_pause")).linux.sysctl ?? {}),
    SYSCTLS.map(({ name }) => name),
  );
  t.equal(makeConfig(users, containerOf(users, "web")).linux.sysctl, undefined);
  t.end();
});

t.test("what would be the host's is refused", (t) => {
  t.match(
    refusalOf(words({ spec: { hostNetwork: true } })),
    /^BAD_MANIFEST sysctl net\.core\.somaxconn: the pod has no net namespace of its own, it would change the host's \(pod\.yaml:\d+ spec\.securityContext\.sysctls\[0\]\)/,
  );
  t.match(refusalOf(words({ spec: { hostIPC: true } })), /sysctl kernel\.shmmax: the pod has no ipc namespace/);
  t.match(
    refusalOf(words({ annotations: { "peapod/namespaces.web": "uts=host" } })),
    /sysctl kernel\.domainname: the pod has no uts namespace/,
  );
  t.end();
});
