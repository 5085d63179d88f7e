// What a pod and its containers are called, whom they know by name, and whom they ask: in the containers, as the kernel and
// the resolver there see it. The example `names` shows the manifest's fields together.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Plan } from "../../src/plan/plan.ts";
import { BIN, type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { CANNOT_RUN, withPlainPod } from "../support/plain-runc.ts";
import { podText } from "../support/planning.ts";

const FILES = "cat /etc/hosts /etc/resolv.conf; cat /etc/hostname; hostname; echo $HOSTNAME";
const ALIASES = [{ ip: "192.0.2.7", hostnames: ["db.example", "db"] }];
const LOOPBACK =
  "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n" +
  "fe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n";

const see = async (host: PeapodHost, pod: PodFile | string, ...more: string[]) =>
  await host.must("exec", ...more, typeof pod === "string" ? pod : pod.name, "sh", "-c", FILES);

testWithPeapod("hosts, hostname and resolv.conf lie as Kubernetes lays them out, the same for all", async (t, host) => {
  const spec = {
    hostname: "web",
    subdomain: "shop",
    hostAliases: [...ALIASES, { ip: "2001:db8::7", hostnames: ["far"] }],
    dnsPolicy: "None",
    dnsConfig: { nameservers: ["2001:db8::53"], searches: ["example"], options: [{ name: "ndots", value: "2" }] },
  };
  const pod = host.aPod({ containers: 2, spec });
  await host.must("run", "-d", pod.file);
  const expected =
    `# Made by peapod for the containers of this pod.\n${LOOPBACK}` +
    "127.0.0.1\tweb.shop.default.svc.cluster.local\tweb\n\n# From hostAliases and --add-host.\n" +
    "192.0.2.7\tdb.example\tdb\n2001:db8::7\tfar\n" +
    "search example\nnameserver 2001:db8::53\noptions ndots:2\nweb\nweb\nweb\n";
  for (const name of ["c1", "c2"]) t.equal(await see(host, pod, "-c", name), expected, name);
});

testWithPeapod("hostnameOverride is the whole name, whatever hostname and subdomain say", async (t, host) => {
  const spec = { hostname: "web", subdomain: "shop", hostnameOverride: "my.own" };
  const pod = host.aPod({ spec });
  await host.must("run", "-d", pod.file);
  const seen = await see(host, pod);
  t.match(seen, /^127\.0\.0\.1\tmy\.own$/m);
  t.match(seen, /\nmy\.own\nmy\.own\nmy\.own\n$/);
});

testWithPeapod(
  "a name too long for the kernel is refused with its line, also where an option makes it so",
  async (t, host) => {
    const spec = { subdomain: "shop", setHostnameAsFQDN: true };
    const pod = host.aPod({ spec });
    const long = "a".repeat(40);
    const { code, err } = await host.peapod("run", "--name", long, pod.file);
    t.not(code, 0);
    t.match(err, /a\.shop\.default\.svc\.cluster\.local has 71 characters, and a host name at most 64 \(.*:\d+ spec\./);
    await host.must("run", "-d", pod.file);
    t.equal(await host.must("exec", pod.name, "hostname"), `${pod.name}.shop.default.svc.cluster.local\n`);
  },
);

testWithPeapod("with the host's network hostAliases follow the host's own names", async (t, host) => {
  const plain = host.aPod({ spec: { hostNetwork: true } });
  const pod = host.aPod({
    spec: { hostNetwork: true, hostAliases: ALIASES, dnsConfig: { searches: ["added.example"] } },
  });
  for (const { file } of [plain, pod]) await host.must("run", "-d", file);
  const own = readFileSync("/etc/hosts", "utf8");
  t.ok((await see(host, plain)).startsWith(own), "without any the file is the host's");
  const seen = await see(host, pod);
  t.match(seen, /^# Made by peapod: the hosts file of the host/);
  t.ok(seen.includes(own.trimEnd()));
  t.match(seen, /^192\.0\.2\.7\tdb\.example\tdb$/m);
  t.match(seen, /^search .*added\.example$/m);
  t.ok(seen.endsWith(`${hostname()}\n${hostname()}\n`), "its name is the host's");
});

testWithPeapod("containers at other networks and names have files of their own", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "in" }, { name: "out" }, { name: "named" }],
    annotations: { "peapod/namespaces.out": "net=host", "peapod/namespaces.named": "uts=host" },
    spec: { hostAliases: ALIASES },
  });
  await host.must("run", "-d", pod.file);
  const seen = async (name: string) => await see(host, pod, "-c", name);
  t.match(await seen("in"), new RegExp(`^127\\.0\\.0\\.1\t${pod.name}$`, "m"));
  t.match(await seen("named"), new RegExp(`^127\\.0\\.0\\.1\t${pod.name}\t${hostname()}$`, "m"));
  t.match(await seen("named"), new RegExp(`\n${hostname()}\n${hostname()}\n$`));
  const out = await seen("out");
  t.match(out, /^# Made by peapod: the hosts file of the host/);
  t.match(out, /^192\.0\.2\.7\tdb\.example\tdb$/m);
  t.match(out, new RegExp(`\n${pod.name}\n${pod.name}\n$`), "and the pod's name");
});

testWithPeapod("a pod without a network of others' asks nobody on the host's loopback", async (t, host) => {
  const pod = host.aPod();
  const resolvConf = (text: string, upstream?: string) => planBeside(host, pod, text, upstream);
  t.equal(resolvConf("nameserver 127.0.0.1\nnameserver 192.0.2.1\nsearch a\n"), "search a\nnameserver 192.0.2.1\n");
  t.equal(resolvConf("nameserver ::1\n"), "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
  const stub = "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n";
  t.equal(resolvConf(stub, "nameserver 192.0.2.5\nsearch lan\n"), "search lan\nnameserver 192.0.2.5\n");
  t.equal(resolvConf(stub), "search .\nnameserver 8.8.8.8\nnameserver 8.8.4.4\noptions edns0 trust-ad\n");
});

/** The pod's resolv.conf where the host's were this; in a mount namespace of its own, so that no other's is touched. */
function planBeside(host: PeapodHost, pod: PodFile, text: string, upstream?: string): string | undefined {
  const files = { HOST: join(host.dir, "resolv.conf"), UPSTREAM: join(host.dir, "upstream.conf") };
  writeFileSync(files.HOST, text);
  writeFileSync(files.UPSTREAM, upstream ?? "");
  const script = [
    "set -e",
    'mount --bind "$HOST" /etc/resolv.conf',
    "mount -t tmpfs none /run",
    ...(upstream === undefined
      ? []
      : ["mkdir -p /run/systemd/resolve", 'cp "$UPSTREAM" /run/systemd/resolve/resolv.conf']),
    'exec "$PEAPOD" create --dry-run "$POD"',
  ].join("\n");
  const env = { ...process.env, ...files, PEAPOD: join(BIN, "peapod"), PEAPOD_ROOT: host.root, POD: pod.file };
  const plan = execFileSync("unshare", ["-m", "sh", "-c", script], { env, encoding: "utf8" });
  return (JSON.parse(plan) as Plan).sandbox.files.find(({ path }) => path.endsWith("/resolv.conf"))?.text;
}

testWithPeapod(
  "options say more than the manifest, and go along with what is generated of the pod",
  async (t, host) => {
    const pod = host.aPod({
      containers: [{ name: "c1" }],
      spec: { hostname: "web", hostAliases: ALIASES, dnsConfig: { searches: ["x.example"] } },
    });
    const options = [
      ...["--hostname", "said.example", "--add-host", "db:192.0.2.9", "--add-host", "a;b:2001:db8::9"],
      ...["--dns", "192.0.2.53", "--dns-search", ".", "--dns-option", "ndots:3"],
    ];
    await host.must("run", "-d", ...options, pod.file);
    const seen = await see(host, pod);
    t.match(
      seen,
      /^127\.0\.0\.1\tsaid\.example\n\n.*\n192\.0\.2\.9\tdb\n2001:db8::9\ta\tb\n192\.0\.2\.7\tdb\.example\tdb$/m,
    );
    t.match(seen, /\nnameserver 192\.0\.2\.53\noptions ndots:3\nsaid\.example\nsaid\.example\nsaid\.example\n$/);
    t.notMatch(seen, /^search/m);

    const explained = await host.must("bundle", "--explain", ...options, pod.file);
    t.match(explained, /^c1 +hostname +option +--hostname$/m);
    t.match(explained, /^c1 +mounts\.\/etc\/hosts +option +--add-host$/m);
    t.match(explained, /^c1 +mounts\.\/etc\/resolv\.conf +option +--dns, --dns-search, --dns-option$/m);

    await host.must("clone", "--start", pod.name, "twin");
    t.equal(await see(host, "twin"), seen, "a clone has them");
    const more = host.aPod({
      name: pod.name,
      containers: [{ name: "c1" }, { name: "c2" }],
      spec: { hostname: "web", hostAliases: ALIASES, dnsConfig: { searches: ["x.example"] } },
    });
    await host.must("update", pod.name, "-f", more.file);
    t.equal(await see(host, pod, "-c", "c2"), seen, "and so has a container that comes later");
  },
);

testWithPeapod("who comes later has the files of the network and the name that it has", async (t, host) => {
  const spec = { hostAliases: ALIASES };
  const pod = host.aPod({ containers: [{ name: "c1" }], spec });
  await host.must("run", "-d", pod.file);
  const annotations = { "peapod/namespaces.out": "net=host", "peapod/namespaces.named": "uts=host" };
  const containers = [{ name: "c1" }, { name: "out" }, { name: "named" }];
  const more = host.aPod({ name: pod.name, containers, annotations, spec });
  await host.must("update", pod.name, "-f", more.file);
  t.match(
    await see(host, pod, "-c", "out"),
    /^# Made by peapod: the hosts file of the host[\s\S]*\n192\.0\.2\.7\tdb\.example\tdb\n/,
  );
  t.match(await see(host, pod, "-c", "named"), new RegExp(`^127\\.0\\.0\\.1\t${pod.name}\t${hostname()}$`, "m"));
});

testWithPeapod("options that cannot be are refused by their names", async (t, host) => {
  const pod = host.aPod({ spec: { hostNetwork: true } });
  const refused = async (pattern: RegExp, ...options: string[]) => {
    const { code, err } = await host.peapod("run", "-d", ...options, pod.file);
    t.equal(code, 125, err);
    t.match(err, pattern);
  };
  await refused(
    /option --hostname: the pod has the host's network, and its name \(.*:\d+ spec\.hostNetwork\)/,
    "--hostname",
    "x",
  );
  await refused(/option --add-host: "db" is not HOST:IP/, "--add-host", "db");
  await refused(/option --dns: "none" is not an address/, "--dns", "none");
});

testWithPeapod("the host name follows the pod's, and stays where the manifest names it", async (t, host) => {
  const free = host.aPod({ name: "free" });
  // Written, though it says what would be so without it.
  const named = host.aPod({ name: "named", spec: { hostname: "named" } });
  for (const { name, file } of [free, named]) await host.must("run", "-d", "--name", `${name}-2`, file);
  t.equal(await host.must("exec", "free-2", "hostname"), "free-2\n");
  t.match(await see(host, "free-2"), /^127\.0\.0\.1\tfree-2$/m);
  t.equal(await host.must("exec", "named-2", "hostname"), "named\n");
  await host.must("run", "-d", "--replicas", "2", free.file);
  t.match(await see(host, "free-1"), /^127\.0\.0\.1\tfree-1$/m);
});

testWithPeapod(
  "bundles for plain runc bring the files along",
  async (t) => {
    const spec = { subdomain: "shop", setHostnameAsFQDN: true, hostAliases: ALIASES };
    const text = podText({ name: "plain", spec, containers: { c1: { command: ["/bin/sleep", "1000"] } } });
    await withPlainPod(t, text, (pod) => {
      const { output } = pod.exec("c1", "sh", "-c", FILES);
      t.match(
        output,
        /^127\.0\.0\.1\tplain\.shop\.default\.svc\.cluster\.local\tplain\n\n.*\n192\.0\.2\.7\tdb\.example\tdb$/m,
      );
      t.match(output, /(\nplain\.shop\.default\.svc\.cluster\.local){3}\n$/);
    });
  },
  { skip: CANNOT_RUN },
);
