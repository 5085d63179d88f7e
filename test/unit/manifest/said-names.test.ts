import t from "tap";
import { type SaidNames, withSaidNames, writeSaidNames } from "../../../src/manifest/said-names.ts";
import { aManifest, containerOf, type PodWords, planOf } from "../../support/planning.ts";

const ALL: SaidNames = {
  hostname: "said.example",
  hosts: [{ ip: "192.0.2.7", hostnames: ["db"] }],
  dns: { nameservers: ["192.0.2.53"], searches: [] },
};

const saidTo = (words: PodWords, said: SaidNames) => planOf(withSaidNames(aManifest(words), said));

t.test("what is said stands over the manifest, and is told as an option", async (t) => {
  const plan = saidTo(
    {
      spec: {
        hostname: "web",
        subdomain: "sub",
        setHostnameAsFQDN: true,
        hostAliases: [{ ip: "192.0.2.8", hostnames: ["db"] }],
        dnsConfig: { searches: ["x.example"], options: [{ name: "rotate" }] },
      },
    },
    ALL,
  );
  t.equal(plan.sandbox.hostname, "said.example");
  const [hosts, hostname, resolvConf] = plan.sandbox.files.map(({ text }) => text);
  t.match(hosts, /^127\.0\.0\.1\tsaid\.example\n\n.*\n192\.0\.2\.7\tdb\n192\.0\.2\.8\tdb\n$/m, "the first line wins");
  t.equal(hostname, "said.example\n");
  t.equal(resolvConf, "nameserver 192.0.2.53\noptions rotate\n");
  const { reasons } = containerOf(plan, "web");
  t.same(reasons.hostname, { source: "option", where: "--hostname" });
  t.same(reasons["mounts./etc/hostname"], { source: "option", where: "--hostname" });
  t.same(reasons["mounts./etc/hosts"], { source: "option", where: "--add-host" });
  t.same(reasons["mounts./etc/resolv.conf"], { source: "option", where: "--dns, --dns-search" });
});

t.test("with the host's network there is no other name, but more in the files", async (t) => {
  const spec = { hostNetwork: true };
  t.throws(() => saidTo({ spec }, ALL), {
    code: "BAD_USAGE",
    message: /^option --hostname: the pod has the host's network, and its name \(pod\.yaml:\d+ spec\.hostNetwork\)$/,
  });
  const { hosts, dns } = ALL;
  const plan = saidTo({ spec }, { ...(hosts && { hosts }), ...(dns && { dns }) });
  const texts = Object.fromEntries(plan.sandbox.files.map(({ path, text }) => [path.replace(/.*\//, ""), text]));
  t.match(texts["host-hosts"], /192\.0\.2\.2 host\n\n.*\n192\.0\.2\.7\tdb\n$/);
  t.equal(texts["host-resolv.conf"], "nameserver 192.0.2.53\n");
});

t.test("it can be written in a manifest's own words, which give the same plan", async (t) => {
  const spec = { subdomain: "sub", setHostnameAsFQDN: true, hostAliases: [{ ip: "192.0.2.8" }] };
  const resolved = { nameservers: ["192.0.2.53"], searches: [], options: ["ndots:2", "rotate"] };
  const written = writeSaidNames({ ...spec, containers: [] } as never, ALL, resolved);
  t.same(written, {
    subdomain: "sub",
    hostnameOverride: "said.example",
    hostAliases: [
      { ip: "192.0.2.7", hostnames: ["db"] },
      { ip: "192.0.2.8", hostnames: [] },
    ],
    dnsPolicy: "None",
    dnsConfig: { nameservers: ["192.0.2.53"], options: [{ name: "ndots", value: "2" }, { name: "rotate" }] },
    containers: [],
  });
  const { containers: _, ...own } = written;
  const again = planOf(aManifest({ spec: { ...own } }));
  const dns = { ...ALL.dns, options: ["ndots:2", "rotate"] };
  const texts = (plan: typeof again) => plan.sandbox.files.map(({ text }) => text);
  t.same(texts(again), texts(saidTo({ spec }, { ...ALL, dns })));
  t.same(writeSaidNames({ ...spec, containers: [] } as never, {}, undefined), { ...spec, containers: [] });
});
