// From two plans to what has to be done, or to why it cannot be.

import t from "tap";
import { planMemberChange, type WholePlan } from "../../../src/plan/members.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { NO_SECRETS } from "../../../src/plan/secrets.ts";
import { aPlan, type PodWords } from "../../support/planning.ts";

const whole = (plan: Plan, secrets = NO_SECRETS): WholePlan => ({ plan, secrets });
const change = (before: PodWords, after: PodWords) => planMemberChange(whole(aPlan(before)), whole(aPlan(after)));
const command = (...words: string[]) => ({ command: words });

t.test("the same manifest asks for nothing, wherever it was written", async (t) => {
  t.equal(change({}, {}), undefined);
  t.equal(change({ containers: { web: { env: [] } } }, { containers: ["web"] }), undefined);
});

t.test("containers come, go and are replaced by name", async (t) => {
  const found = change(
    { containers: { web: command("a"), db: command("a"), old: command("a") } },
    { containers: { web: command("a"), db: command("b"), new: command("a") } },
  );
  t.match(found, { added: ["new"], removed: ["old"], replaced: ["db"] });
  t.same(
    found?.plan.followers.map(({ containers }) => containers),
    [["web"], ["db"], ["new"]],
    "and each can be made for itself",
  );
});

t.test("what has become of the host's own files meanwhile changes nothing", async (t) => {
  const later = { hostFiles: { resolvConf: "nameserver 192.0.2.9\n", hosts: "192.0.2.3 host\n" } };
  const words: PodWords = {
    spec: { hostAliases: [{ ip: "::1", hostnames: ["a"] }], dnsConfig: { searches: ["a"] } },
    containers: ["web", "out"],
    annotations: { "peapod/namespaces.out": "net=host" },
  };
  const after = aPlan({ ...words, containers: ["web"], annotations: {} }, later);
  const found = planMemberChange(whole(aPlan(words)), whole(after));
  t.match(found, { added: [], removed: ["out"], replaced: [] });
  t.same(found?.plan.sandbox.files, aPlan(words).sandbox.files, "the files stay");
});

t.test("who needs a file that is not there yet gets it, and the others keep theirs", async (t) => {
  const found = change({}, { containers: ["web", "named"], annotations: { "peapod/namespaces.named": "uts=host" } });
  const [hosts, ...rest] = found?.plan.sandbox.files ?? [];
  t.match(hosts?.text, /\tshop$/m);
  t.match(rest.at(-1), { path: /\/hosts\.host-name$/, text: /\tshop\thost$/m });
});

t.test("what is the supervisor's alone concerns no container", async (t) => {
  const found = change({}, { spec: { restartPolicy: "OnFailure", terminationGracePeriodSeconds: 3 } });
  t.match(found, { added: [], removed: [], replaced: [], plan: { stopGraceMs: 3000 } });
});

t.test("what is in a volume's files concerns no container, but whom it reaches as a variable", async (t) => {
  const words = (lamp: string, medium = ""): PodWords => ({
    annotations: { lamp },
    spec: {
      volumes: [
        {
          name: "v",
          downwardAPI: { items: [{ path: "lamp", fieldRef: { fieldPath: "metadata.annotations['lamp']" } }] },
        },
        { name: "w", emptyDir: { medium } },
      ],
    },
    containers: {
      one: { volumeMounts: [{ name: "v", mountPath: "/v" }] },
      two: { env: [{ name: "LAMP", valueFrom: { fieldRef: { fieldPath: "metadata.annotations['lamp']" } } }] },
    },
  });
  t.match(change(words("red"), words("green")), { added: [], removed: [], replaced: ["two"] });
  t.throws(() => change(words("red"), words("green", "Memory")), { message: /volume w: cannot change/ });
});

t.test("what a Secret holds replaces whom it reaches as a variable, though no plan tells it", async (t) => {
  const words: PodWords = { containers: ["web", "db"] };
  const { sandbox, ...rest } = aPlan(words);
  const plan: Plan = { ...rest, sandbox: { ...sandbox, vault: "/vault" } };
  const of = (password: string, key: string) => ({
    processes: { db: { args: ["a"], env: [`PASSWORD=${password}`] } },
    files: { keys: { key: { text: key } } },
  });
  t.equal(planMemberChange(whole(plan, of("a", "b")), whole(plan, of("a", "b"))), undefined);
  t.match(planMemberChange(whole(plan, of("a", "b")), whole(plan, of("c", "b"))), { replaced: ["db"] });
  t.match(planMemberChange(whole(plan, of("a", "b")), whole(plan, of("a", "c"))), { replaced: [] });
  const without = planMemberChange(whole(plan, of("a", "b")), whole(aPlan(words)));
  t.equal(without?.plan.sandbox.vault, "/vault", "it goes with the pod alone");
});

t.test("ids stay the pod's, whoever goes, and a pod that has none is given none", async (t) => {
  const PRIVATE = { "peapod/namespaces.own": "user=private,net=private,ipc=private,uts=private" };
  const aPod = (...containers: string[]) =>
    aPlan({ containers, ...(containers.includes("own") ? { annotations: PRIVATE } : {}) });
  const { sandbox, ...rest } = aPod("web", "own");
  const had: Plan = { ...rest, sandbox: { ...sandbox, idsFile: "/ids/1-1" } };
  const left = planMemberChange(whole(had), whole(aPod("web")));
  t.match(left, { removed: ["own"], plan: { sandbox: { idsFile: "/ids/1-1" } } });
  t.throws(() => planMemberChange(whole(aPod("web")), whole(aPod("web", "own"))), {
    message: /that none of its containers has a user namespace cannot change/,
  });
});

t.test("what those notice who run on is refused, with its name", async (t) => {
  const volume = (medium: string) => ({ volumes: [{ name: "v", emptyDir: { medium } }] });
  const cases: [PodWords, PodWords, RegExp][] = [
    [{}, { spec: { hostname: "other" } }, /pod shop: its host name cannot change/],
    [{}, { spec: { subdomain: "sub" } }, /pod shop: its hosts file cannot change/],
    [{}, { spec: { hostAliases: [{ ip: "::1", hostnames: ["a"] }] } }, /pod shop: its hosts file cannot change/],
    [{}, { spec: { dnsConfig: { searches: ["a"] } } }, /pod shop: its resolv\.conf cannot change/],
    [{ spec: { dnsConfig: { searches: ["a"] } } }, {}, /pod shop: its resolv\.conf cannot change/],
    [
      { spec: { hostNetwork: true } },
      { spec: { hostNetwork: true, hostAliases: [{ ip: "::1", hostnames: ["a"] }] } },
      /pod shop: its hosts file cannot change/,
    ],
    [{}, { spec: { hostNetwork: true } }, /pod shop: which namespaces its containers share cannot change/],
    [{ spec: volume("") }, { spec: volume("Memory") }, /volume v: cannot change/],
    [
      { spec: volume("") },
      { spec: { ...volume(""), securityContext: { fsGroup: 5 } } },
      /pod shop: its fsGroup cannot change/,
    ],
    ...[{}, { hostUsers: false }, { shareProcessNamespace: true }].map((spec): [PodWords, PodWords, RegExp] => [
      { spec },
      { spec: { ...spec, securityContext: { sysctls: [{ name: "net.ipv4.ip_forward", value: "1" }] } } },
      /pod shop: its sysctls cannot change/,
    ]),
    [
      {},
      { spec: { initContainers: [{ name: "i", image: "rootfs:./rootfs", command: ["a"] }] } },
      /container i: is an init/,
    ],
  ];
  for (const [before, after, message] of cases)
    t.throws(() => change(before, after), { code: "NOT_SUPPORTED", message }, message.source);
  t.doesNotThrow(() => change({ spec: volume("") }, {}), "a volume that nobody has any more goes");
});
