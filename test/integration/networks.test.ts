// Promise: a pod has the addresses of the networks that were asked for, is reached there, and gives them back.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import t from "tap";
import { LACKS_PLUGINS, readAddresses, readRules, testWithNetworks } from "../support/networks.ts";
import { waitUntil } from "../support/wait-until.ts";

t.setTimeout(600_000);

/** What the pod's address is called in the environment. */
const IP = { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } };

const SERVER = {
  name: "web",
  run: "mkdir -p /tmp/w; echo it is $HOSTNAME > /tmp/w/index.html; exec busybox httpd -f -p 80 -h /tmp/w",
};

testWithNetworks("without any configuration a pod is on peapod's own bridge, and leaves it", async (t, host) => {
  const pod = host.aPod({ containers: [SERVER] });
  await host.must("run", "-d", pod.file);
  const { podIP, podIPs, networks } = await host.shown(pod);
  t.match(podIP, /^\d+\.\d+\.\d+\.\d+$/);
  t.match(networks, [{ name: "peapod", interface: "eth0", ips: [{ address: podIP, gateway: /\d/ }] }]);
  t.match(await host.must("exec", pod.name, "busybox", "ip", "addr", "show", "eth0"), podIP ?? "?");
  t.match(await host.must("exec", pod.name, "cat", "/etc/hosts"), new RegExp(`^${podIP}\tpod1$`, "m"));
  const neighbour = host.aPod({ containers: [{ name: "ask", run: "exec sleep 1000" }] });
  await host.must("run", "-d", neighbour.file);
  for (const ip of podIPs) {
    const url = ip.includes(":") ? `http://[${ip}]/` : `http://${ip}/`;
    await waitUntil(
      "its neighbour reaches it",
      async () => (await host.peapod("exec", neighbour.name, "busybox", "wget", "-qO-", url)).code === 0,
    );
  }
  await host.must("delete", "--force", pod.name);
  await host.must("delete", "--force", neighbour.name);
  t.same(readRules(` ${podIP}/32`), [], "no rule names it any more");
});

testWithNetworks(
  "a network by name, with the address and the interface that were asked for",
  async (t, host, networks) => {
    networks.list("10-blue.conflist", { cniVersion: "1.0.0", name: "blue", plugins: [networks.bridge()] });
    networks.list("05-plain.conf", {
      cniVersion: "0.4.0",
      name: "plain",
      type: "ptp",
      ipam: ptpAddresses(networks.dir),
    });
    const ip = addressOf(networks.bridge(), 77);
    const pod = host.aPod({ containers: [SERVER] });
    await host.must(
      "run",
      "-d",
      "--network",
      `plain,blue:ip=${ip},mac=02:00:00:00:00:77,interface_name=blue0`,
      pod.file,
    );
    const { networks: attached } = await host.shown(pod);
    t.match(attached, [
      { name: "plain", interface: "eth0" },
      { name: "blue", interface: "blue0", mac: "02:00:00:00:00:77", ips: [{ address: ip }] },
    ]);
    t.equal(readAddresses(networks).length, 3, "two of blue, one of plain");
    await host.must("delete", "--force", pod.name);
    t.same(readAddresses(networks), [], "all were given back");
  },
);

testWithNetworks(
  "a pod with a user namespace leaves its network when it restarts, and is attached anew",
  async (t, host, networks) => {
    networks.list("10-blue.conflist", { cniVersion: "1.0.0", name: "blue", plugins: [networks.bridge()] });
    const containers = [{ name: "c1", run: "echo I am $IP; cat /etc/hosts; exec sleep 1000", env: [IP] }];
    // Its users must pass through.
    chmodSync(host.dir, 0o711);
    const pod = host.aPod({ containers, spec: { hostUsers: false } });
    await host.must("run", "-d", pod.file);
    const before = (await host.shown(pod)).podIP;
    await waitUntil("it tells", async () => (await host.must("logs", pod.name)).includes(`I am ${before}`));
    await host.must("restart", pod.name);
    const after = (await host.shown(pod)).podIP;
    await waitUntil("it tells anew", async () => (await host.must("logs", pod.name)).includes(`I am ${after}`));
    t.match(await host.must("logs", pod.name), new RegExp(`^${after}\tpod1$`, "m"), "as its hosts file does");
    t.equal(readAddresses(networks).length, 2, "the addresses of before were given back", {
      has: readAddresses(networks),
    });
    t.match(await host.must("events", pod.name), /left its networks[\s\S]*attached to/);
    t.match(await host.peapod("network", "check", pod.name), { code: 0, err: "" });
  },
);

testWithNetworks(
  "the address is in the environment, from the first container on, and after a restart",
  async (t, host, networks) => {
    networks.list("10-blue.conflist", { cniVersion: "0.3.1", name: "blue", plugins: [networks.bridge()] });
    const tell = {
      run: "echo $IP and $IPS",
      env: [IP, { ...IP, name: "IPS", valueFrom: { fieldRef: { fieldPath: "status.podIPs" } } }],
    };
    const pod = host.aPod({ init: [{ name: "first", ...tell }], containers: [{ name: "c1", ...tell }] });
    await host.must("run", "-d", pod.file);
    await host.must("wait", pod.name);
    const { podIP, podIPs } = await host.shown(pod);
    t.equal(podIPs.length, 2);
    for (const name of ["first", "c1"])
      t.equal((await host.must("logs", pod.name, "-c", name)).trim(), `${podIP} and ${podIPs.join(",")}`);
    await host.must("restart", pod.name);
    t.equal((await host.shown(pod)).podIP, podIP, "the pod has not moved");
  },
);

testWithNetworks("a network's name servers are asked, and it hears of the pod's own", async (t, host, networks) => {
  networks.plugin("listener", 'tell "$CNI_COMMAND $config"; echo "$config" | sed \'s/.*"prevResult"://; s/}$//\'\n');
  const bridge = networks.bridge({
    dns: { nameservers: ["192.0.2.53"], domain: "blue.example", options: ["ndots:2"] },
  });
  const plugins = [bridge, { type: "listener", capabilities: { dns: true } }];
  networks.list("10-blue.conflist", { cniVersion: "1.0.0", name: "blue", plugins });
  const containers = [{ name: "c1", run: "cat /etc/resolv.conf; exec sleep 1000" }];
  const pod = host.aPod({ containers, spec: { dnsConfig: { searches: ["own.example"] } } });
  await host.must("run", "-d", pod.file);
  await waitUntil("it tells", async () => (await host.must("logs", pod.name)).includes("options"));
  const lines = (await host.must("logs", pod.name)).split("\n");
  t.match(lines[0], /^search blue\.example .*own\.example$/);
  t.same(
    lines.filter((line) => line.startsWith("nameserver")),
    ["nameserver 192.0.2.53"],
  );
  t.ok(lines.includes("options ndots:2"));
  const told = networks.told().find((line) => line.startsWith("ADD ")) ?? "";
  t.match(JSON.parse(told.slice(4)), {
    runtimeConfig: { dns: { servers: [], searches: ["own.example"], options: [] } },
  });
});

testWithNetworks("none, host and another's namespace", async (t, host) => {
  const addresses = { name: "c1", run: "busybox ip -o addr; exec sleep 1000" };
  const look = async (...words: string[]) => {
    const pod = host.aPod({ containers: [addresses] });
    await host.must("run", "-d", "--network", ...words, pod.file);
    await waitUntil("it tells", async () => (await host.must("logs", pod.name)).includes("127.0.0.1"));
    const lines = (await host.must("logs", pod.name)).trim().split("\n");
    return { pod, interfaces: new Set(lines.map((line) => line.split(/\s+/)[1])) };
  };
  t.strictSame([...(await look("none")).interfaces], ["lo"]);
  t.ok((await look("host")).interfaces.size > 1);
  const owner = host.aPod();
  await host.must("run", "-d", owner.file);
  const netns = `${host.root}/pods/${owner.name}/ns/pod-net`;
  const { pod, interfaces } = await look(`netns:${netns}`);
  t.ok(
    [...interfaces].some((name) => name?.startsWith("eth0")),
    "the other pod's interface",
  );
  t.strictSame((await host.shown(pod)).networks, [], "it is not its own");
  await host.must("delete", "--force", pod.name);
  t.match(await host.must("network", "check", owner.name), "", "which its owner still has");
});

testWithNetworks(
  "a pod in another's namespace tells that one's addresses, and asks the servers that ip-netns has for it",
  async (t, host) => {
    const name = `ptns${process.pid}`;
    const ip = (...words: string[]) => execFileSync("ip", words);
    ip("netns", "add", name);
    t.teardown(() => ip("netns", "delete", name));
    ip("-n", name, "link", "add", "cable", "type", "veth", "peer", "name", "end");
    for (const address of ["198.51.100.7/24", "198.51.100.8/24", "2001:db8::7/64"])
      ip("-n", name, "address", "add", address, "dev", "cable", ...(address.includes(":") ? ["nodad"] : []));
    const files = `/etc/netns/${name}`;
    mkdirSync(files, { recursive: true });
    t.teardown(() => rmSync(files, { recursive: true }));
    writeFileSync(`${files}/resolv.conf`, "search their.example\nnameserver 127.0.0.7\n");
    const env = [IP, { ...IP, name: "IPS", valueFrom: { fieldRef: { fieldPath: "status.podIPs" } } }];
    const run = "echo I am $IP and $IPS; cat /etc/hosts /etc/resolv.conf; exec sleep 1000";
    const pod = host.aPod({ containers: [{ name: "c1", run, env }] });
    await host.must("run", "-d", "--network", `netns:/run/netns/${name}`, pod.file);
    t.match(await host.shown(pod), { podIP: "198.51.100.7", podIPs: ["198.51.100.7", "2001:db8::7"], networks: [] });
    const told = () => host.must("logs", pod.name);
    await waitUntil("it tells", async () => (await told()).includes("nameserver"));
    const lines = (await told()).split("\n");
    t.equal(lines[0], "I am 198.51.100.7 and 198.51.100.7,2001:db8::7");
    for (const line of [`198.51.100.7\t${pod.name}`, `2001:db8::7\t${pod.name}`, "nameserver 127.0.0.7"])
      t.ok(lines.includes(line), line);
    t.equal(lines.filter((line) => line.startsWith("nameserver")).length, 1);
    t.ok(lines.includes("search their.example"));
    await host.must("restart", pod.name);
    t.equal((await host.shown(pod)).podIP, "198.51.100.7");
    const more = { name: "later", run: "echo $IP; exec sleep 1000", env };
    const grown = host.aPod({ name: pod.name, containers: [{ name: "c1", run, env }, more] });
    ip("-n", name, "address", "add", "198.51.100.1/24", "dev", "cable");
    ip("-n", name, "address", "delete", "198.51.100.7/24", "dev", "cable");
    await host.must("update", "-f", grown.file, pod.name);
    await waitUntil("the other tells", async () => (await host.must("logs", pod.name, "-c", "later")).includes("\n"));
    t.equal(await host.must("logs", pod.name, "-c", "later"), "198.51.100.7\n", "what the pod was told, it keeps");
  },
  { needs: "nothing" },
);

testWithNetworks("annotations say it in the manifest; generate and clone say it again", async (t, host, networks) => {
  networks.list("20-blue.conflist", { cniVersion: "1.0.0", name: "blue", plugins: [networks.bridge()] });
  networks.list("10-other.conflist", { cniVersion: "1.0.0", name: "other", plugins: [networks.bridge()] });
  const pod = host.aPod({ annotations: { "peapod/networks": "blue:interface_name=b0" } });
  await host.must("run", "-d", pod.file);
  t.match((await host.shown(pod)).networks, [{ name: "blue", interface: "b0" }]);
  t.match(
    await host.must("network", "ls"),
    /other \(usual\)[\s\S]*blue\s+1\.0\.0\s+bridge\s+[1-9]\d*\s[\s\S]*peapod's own/,
  );
  const plain = host.aPod();
  await host.must("run", "-d", "--network", "blue", plain.file);
  t.match(await host.must("generate", plain.name), /peapod\/networks: blue/);
  await host.must("clone", "--start", plain.name, "twin");
  t.match((await host.shown({ name: "twin", file: "" })).networks, [{ name: "blue", interface: "eth0" }]);
  t.match(await host.peapod("bundle", plain.file, "-o", `${host.dir}/b`, "--network", "blue"), {
    code: 125,
    err: /a bundle is attached to no network/,
  });
});

function addressOf(bridge: object, last: number): string {
  const { ipam } = bridge as {
    readonly ipam: { readonly ranges: readonly (readonly { readonly subnet: string }[])[] };
  };
  return (ipam.ranges[0]?.[0]?.subnet ?? "").replace(/0\/24$/, String(last));
}

function ptpAddresses(dir: string): object {
  return { type: "host-local", dataDir: `${dir}/addresses`, subnet: "10.223.255.0/24" };
}

if (LACKS_PLUGINS) t.comment(LACKS_PLUGINS);
