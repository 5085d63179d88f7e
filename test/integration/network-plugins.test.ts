// Promise: networks of other kinds than bridges work as well, and what their plugins make in the machine goes with the pod:
// macvlan, ptp, static addresses, sysctls and MTU, shaped bandwidth.

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import t from "tap";
import { type OwnNetworks, readAddresses, readRules, testWithNetworks } from "../support/networks.ts";
import type { PeapodHost, PodFile, Test } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

t.setTimeout(600_000);

/** A cable of this test's own: macvlan needs a real interface below it. */
const CABLE = `ptc${process.pid % 100_000}`;

function withCable(t: Test): void {
  execFileSync("ip", ["link", "add", CABLE, "type", "veth", "peer", "name", `${CABLE}p`]);
  t.teardown(() => execFileSync("ip", ["link", "delete", CABLE]));
  for (const end of [CABLE, `${CABLE}p`]) execFileSync("ip", ["link", "set", end, "up"]);
}

const SERVER = { name: "web", run: "mkdir -p /tmp/w; echo hello > /tmp/w/index.html; exec httpd -f -p 80 -h /tmp/w" };

async function inPod(host: PeapodHost, pod: PodFile, ...words: string[]): Promise<string> {
  return (await host.must("exec", pod.name, "--", "busybox", ...words)).trim();
}

async function reaches(host: PeapodHost, from: PodFile, ip: string): Promise<void> {
  const ask = ["exec", from.name, "--", "busybox", "wget", "-qO-", `http://${ip}/`];
  await waitUntil(`${from.name} reaches ${ip}`, async () => (await host.peapod(...ask)).out === "hello\n");
}

/** The test's own range, for other plugins than the bridge. */
function ipamOf(networks: OwnNetworks): object {
  return (networks.bridge() as { readonly ipam: object }).ipam;
}

function subnetOf(networks: OwnNetworks): string {
  const { ranges } = ipamOf(networks) as { readonly ranges: readonly (readonly { readonly subnet: string }[])[] };
  return (ranges[0]?.[0]?.subnet ?? "").replace(/0\/24$/, "");
}

testWithNetworks("pods on a macvlan reach each other, by the MAC that was asked for", async (t, host, networks) => {
  withCable(t);
  const macvlan = {
    type: "macvlan",
    master: CABLE,
    mtu: 1400,
    capabilities: { ips: true, mac: true },
    ipam: ipamOf(networks),
  };
  networks.list("10-street.conflist", { cniVersion: "1.0.0", name: "street", plugins: [macvlan] });
  const web = host.aPod({ containers: [SERVER] });
  const ip = `${subnetOf(networks)}77`;
  await host.must("run", "-d", "--network", `street:ip=${ip},mac=02:00:00:00:00:77`, web.file);
  t.match((await host.shown(web)).networks, [{ mac: "02:00:00:00:00:77", ips: [{ address: ip }] }]);
  t.match(await inPod(host, web, "ip", "link", "show", "eth0"), /mtu 1400[\s\S]*02:00:00:00:00:77/);
  t.match(await host.peapod("network", "check", web.name), { code: 0, err: "" });
  const other = host.aPod();
  await host.must("run", "-d", other.file);
  await reaches(host, other, ip);
  for (const pod of [web, other]) await host.must("delete", "--force", pod.name);
  t.same(readAddresses(networks), []);
  t.notMatch(execFileSync("ip", ["-d", "link"], { encoding: "utf8" }), new RegExp(`macvlan.*@${CABLE}:`));
});

testWithNetworks(
  "a macvlan on an interface that is not there: the plugin's words, and nothing is left",
  async (t, host, networks) => {
    const macvlan = { type: "macvlan", master: "ptnosuch", ipam: ipamOf(networks) };
    networks.list("10-street.conflist", { cniVersion: "1.0.0", name: "street", plugins: [macvlan] });
    t.match(await host.peapod("run", "-d", host.aPod().file), {
      code: 125,
      err: /^peapod: network street: macvlan: ".+"\n$/,
    });
    t.same(readAddresses(networks), []);
  },
);

testWithNetworks("a cable of ptp between the machine and each pod", async (t, host, networks) => {
  const ptp = { type: "ptp", ipMasq: true, mtu: 1400, capabilities: { ips: true }, ipam: ipamOf(networks) };
  const plugins = [ptp, { type: "portmap", capabilities: { portMappings: true } }, { type: "firewall" }];
  networks.list("10-cable.conflist", { cniVersion: "1.0.0", name: "cable", plugins });
  const web = host.aPod({ name: `w${process.pid}`, containers: [SERVER] });
  const other = host.aPod({ name: `o${process.pid}` });
  await host.must("run", "-d", "-p", "80", web.file);
  await host.must("run", "-d", other.file);
  const { podIPs } = await host.shown(web);
  t.equal(podIPs.length, 2);
  for (const ip of podIPs) await reaches(host, other, ip.includes(":") ? `[${ip}]` : ip);
  t.match(await inPod(host, web, "ip", "link", "show", "eth0"), "mtu 1400");
  // Not of the one with a port: some versions of portmap look for its IPv4 rule among those of IPv6.
  t.match(await host.peapod("network", "check", other.name), { code: 0, err: "" });
  for (const pod of [web, other]) await host.must("delete", "--force", pod.name);
  t.same(readAddresses(networks), []);
  t.same(readRules(`${web.name}-`, `${other.name}-`, ...podIPs.map((ip) => `${ip}/`)), []);
  t.notMatch(execFileSync("ip", ["route"], { encoding: "utf8" }), subnetOf(networks));
});

testWithNetworks(
  "addresses of ipam static: the configuration's, or those that were asked for",
  async (t, host, networks) => {
    const net = subnetOf(networks);
    const bridge = (addresses: readonly string[]) =>
      networks.bridge({
        ipMasq: false,
        isGateway: false,
        ipam: { type: "static", addresses: addresses.map((address) => ({ address })) },
      });
    networks.list("10-fixed.conflist", { cniVersion: "1.0.0", name: "fixed", plugins: [bridge([`${net}8/24`])] });
    networks.list("20-asked.conflist", { cniVersion: "1.0.0", name: "asked", plugins: [bridge([])] });
    const fixed = host.aPod({ containers: [SERVER] });
    await host.must("run", "-d", fixed.file);
    t.equal((await host.shown(fixed)).podIP, `${net}8`);
    const asked = host.aPod();
    await host.must("run", "-d", "--network", `asked:ip=${net}9/24`, asked.file);
    t.equal((await host.shown(asked)).podIP, `${net}9`);
    await reaches(host, asked, `${net}8`);
    t.match(await host.peapod("run", "-d", "--network", `asked:ip=${net}10`, host.aPod().file), {
      code: 125,
      err: /^peapod: network asked: bridge: ".*CIDR notation.*"/m,
    });
  },
);

testWithNetworks(
  "an address that is taken, or of another network, is refused in the plugin's words",
  async (t, host, networks) => {
    networks.list("10-blue.conflist", { cniVersion: "1.0.0", name: "blue", plugins: [networks.bridge()] });
    const ip = `${subnetOf(networks)}50`;
    const first = host.aPod();
    await host.must("run", "-d", "--network", `blue:ip=${ip}`, first.file);
    t.match(await host.peapod("run", "-d", "--network", `blue:ip=${ip}`, host.aPod().file), {
      code: 125,
      err: /network blue: bridge: ".*/,
    });
    t.match(await host.peapod("run", "-d", "--network", "blue:ip=192.0.2.7", host.aPod().file), {
      code: 125,
      err: /network blue: bridge: ".*192\.0\.2\.7/,
    });
    t.equal(readAddresses(networks).length, 2, "the first one's alone", { has: readAddresses(networks) });
    t.equal((await host.shown(first)).podIP, ip);
  },
);

testWithNetworks("tuning sets sysctls, MTU and MAC; what it cannot set is one error", async (t, host, networks) => {
  const tuning = {
    type: "tuning",
    sysctl: { "net.ipv4.conf.eth0.arp_filter": "1", "net.core.somaxconn": "500" },
    mtu: 1300,
    capabilities: { mac: true },
  };
  const plugins = [networks.bridge({ capabilities: { ips: true } }), tuning];
  networks.list("10-tuned.conflist", { cniVersion: "1.0.0", name: "tuned", plugins });
  const pod = host.aPod();
  await host.must("run", "-d", "--network", "tuned:mac=02:00:00:00:00:78", pod.file);
  t.match(await inPod(host, pod, "ip", "link", "show", "eth0"), /mtu 1300[\s\S]*02:00:00:00:00:78/);
  t.equal(await inPod(host, pod, "cat", "/proc/sys/net/ipv4/conf/eth0/arp_filter"), "1");
  t.equal(await inPod(host, pod, "cat", "/proc/sys/net/core/somaxconn"), "500");
  t.match(await host.peapod("network", "check", pod.name), { code: 0, err: "" });
  await host.must("delete", "--force", pod.name);
  const wrong = { ...tuning, sysctl: { "net.no.such": "1" } };
  networks.list("10-tuned.conflist", { cniVersion: "1.0.0", name: "tuned", plugins: [networks.bridge(), wrong] });
  t.match(await host.peapod("run", "-d", host.aPod().file), {
    code: 125,
    err: /network tuned: tuning: ".*net\/no\/such/,
  });
  t.same(readAddresses(networks), []);
});

testWithNetworks("a pod's bandwidth is shaped as its annotations say, until it goes", async (t, host, networks) => {
  const plugins = [networks.bridge(), { type: "bandwidth", capabilities: { bandwidth: true } }];
  networks.list("10-slow.conflist", { cniVersion: "1.0.0", name: "slow", plugins });
  const before = readLinks();
  const pod = host.aPod({
    annotations: { "kubernetes.io/ingress-bandwidth": "10M", "kubernetes.io/egress-bandwidth": "5M" },
  });
  const { code, err } = await host.peapod("run", "-d", pod.file);
  if (code !== 0) {
    t.match(err, /^peapod: network slow: bandwidth: "/, "a kernel without it is told so in the plugin's words");
    t.same(readAddresses(networks), []);
    return;
  }
  const { bridge } = networks.bridge() as { readonly bridge: string };
  const [veth = "none"] = readdirSync(`/sys/class/net/${bridge}/brif`);
  t.match(readShaping(veth), /qdisc tbf .* rate 10Mbit/);
  const ifb = readLinks().filter((name) => !before.includes(name) && name.startsWith("bwp"));
  t.match(ifb.map(readShaping), [/qdisc tbf .* rate 5Mbit/]);
  t.match(await host.peapod("network", "check", pod.name), { code: 0, err: "" });
  await host.must("delete", "--force", pod.name);
  t.same(
    readLinks().filter((name) => ifb.includes(name)),
    [],
  );
});

function readLinks(): readonly string[] {
  return readdirSync("/sys/class/net");
}

function readShaping(link: string): string {
  return execFileSync("tc", ["qdisc", "show", "dev", link], { encoding: "utf8" });
}
