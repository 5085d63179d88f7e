import { basename } from "node:path";
import t from "tap";
import { makePodPaths } from "../../../src/base/paths.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { makePodNames } from "../../../src/plan/pod-names.ts";
import { SandboxFiles } from "../../../src/plan/sandbox-files.ts";
import { aManifest, aPlan, containerOf, type PlanWords, type PodWords } from "../../support/planning.ts";

const ALIASES = [{ ip: "192.0.2.7", hostnames: ["db"] }];

/** `/etc/hosts` → the file behind it: its name below the pod's, or the host's path. */
function filesOf(plan: Plan, name = "web") {
  const mounts = containerOf(plan, name).mounts.filter(({ destination }) => /^\/etc\/(host|resolv)/.test(destination));
  return Object.fromEntries(
    mounts.map(({ destination, source, options }) => [
      destination.slice("/etc/".length),
      source === destination ? `host's ${options.at(-1)}` : basename(source),
    ]),
  );
}

function textOf(plan: Plan, name: string): string | undefined {
  return plan.sandbox.files.find(({ path }) => path.endsWith(`/files/${name}`))?.text;
}

function whereOf(words: PodWords, more: PlanWords, destination: string): string | undefined {
  return containerOf(aPlan(words, more), "web").reasons[`mounts.${destination}`]?.where;
}

t.test("with the host's network the files are the host's, and a copy where more is wanted in them", async (t) => {
  const plain = aPlan({ spec: { hostNetwork: true } });
  t.same(filesOf(plain), { hosts: "host's ro", hostname: "host's ro", "resolv.conf": "host's ro" });
  const more = aPlan({
    spec: { hostNetwork: true, hostAliases: ALIASES, dnsConfig: { options: [{ name: "ndots", value: "3" }] } },
  });
  t.same(filesOf(more), { hosts: "host-hosts", hostname: "host's ro", "resolv.conf": "host-resolv.conf" });
  t.match(textOf(more, "host-hosts"), /\n127\.0\.0\.1 localhost\n192\.0\.2\.2 host\n\n.*\n192\.0\.2\.7\tdb\n$/);
  t.equal(textOf(more, "host-resolv.conf"), "nameserver 192.0.2.1\noptions ndots:3\n");
});

t.test("containers at different networks have different files", async (t) => {
  const plan = aPlan(
    {
      spec: { hostAliases: ALIASES },
      containers: ["web", "out"],
      annotations: { "peapod/namespaces.out": "net=host,uts=host" },
    },
    {
      hostFiles: { resolvConf: "nameserver 127.0.0.53\n", upstreamResolvConf: "nameserver 192.0.2.1\n", hosts: "h\n" },
    },
  );
  t.same(filesOf(plan), { hosts: "hosts", hostname: "hostname", "resolv.conf": "resolv.conf" });
  t.same(filesOf(plan, "out"), { hosts: "host-hosts", hostname: "host's ro", "resolv.conf": "host's ro" });
  t.equal(textOf(plan, "resolv.conf"), "nameserver 192.0.2.1\n", "the stub is out of reach");
});

t.test("a container that has the host's name alone finds itself by it, and the others do not", async (t) => {
  const plan = aPlan({ containers: ["web", "named"], annotations: { "peapod/namespaces.named": "uts=host" } });
  t.same(filesOf(plan, "named"), { hosts: "hosts.host-name", hostname: "host's ro", "resolv.conf": "resolv.conf" });
  t.match(textOf(plan, "hosts.host-name"), /^127\.0\.0\.1\tshop\thost$/m);
  t.match(textOf(plan, "hosts"), /^127\.0\.0\.1\tshop$/m);
});

t.test("namespaces by path: the pod's files, but for a name that nobody knows", async (t) => {
  const plan = aPlan({ annotations: { "peapod/namespaces.web": "net=path:/run/netns/x,uts=path:/run/uts/x" } });
  t.same(filesOf(plan), { hosts: "hosts", "resolv.conf": "resolv.conf" });
});

t.test("each file says where it is from", async (t) => {
  const hosts = { spec: { hostAliases: ALIASES } };
  t.match(whereOf(hosts, {}, "/etc/hosts"), /^pod\.yaml:\d+ spec\.hostAliases$/);
  t.match(whereOf({ spec: { dnsPolicy: "Default" } }, {}, "/etc/resolv.conf"), /spec\.dnsPolicy$/);
  const none = { dnsPolicy: "None", dnsConfig: { nameservers: ["192.0.2.1"] } };
  t.match(whereOf({ spec: none }, {}, "/etc/resolv.conf"), /spec\.dnsConfig$/);
  const stub = { hostFiles: { resolvConf: "nameserver 127.0.0.53\n", upstreamResolvConf: "nameserver 192.0.2.1\n" } };
  t.match(whereOf({}, stub, "/etc/resolv.conf"), /the host's own resolver/);
  t.match(whereOf({}, { hostFiles: { resolvConf: "" } }, "/etc/resolv.conf"), /8\.8\.8\.8/);
  t.equal(whereOf({}, {}, "/etc/resolv.conf"), "Kubernetes default");
});

t.test("a pod's addresses are for who is at its network", async (t) => {
  const manifest = aManifest({});
  const files = new SandboxFiles({
    paths: makePodPaths("/run/peapod", manifest.metadata.name),
    manifest,
    names: makePodNames(manifest),
    host: { resolvConf: "nameserver 192.0.2.1\n" },
    hostname: "host",
    isInside: false,
    addresses: ["10.88.0.5"],
  });
  const { namespaces } = containerOf(aPlan(), "web");
  const apart = files.mountsFor({ ...namespaces, net: { scope: "private" } }, false);
  files.mountsFor(namespaces, false);
  t.equal(basename(apart[0]?.mount.source ?? ""), "hosts.own-network");
  const texts = new Map(files.all.map(({ path, text }) => [basename(path), text]));
  t.match(texts.get("hosts"), /^10\.88\.0\.5\tshop$/m);
  t.match(texts.get("hosts.own-network"), /^127\.0\.0\.1\tshop$/m);
  t.same(files.all.find(({ path }) => basename(path) === "resolv.conf")?.resolver, {
    dns: manifest.spec.dns,
    host: "nameserver 192.0.2.1\n",
  });
});
