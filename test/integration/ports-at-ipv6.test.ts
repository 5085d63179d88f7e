// Promise: a port that is published at an IPv6 address leads to the pod from there, or is refused; never published in vain.

import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { askByDatagram } from "../support/ask-by-datagram.ts";
import { LACKS_PLUGINS, type OwnNetworks, readAddresses, readRules, testWithNetworks } from "../support/networks.ts";
import type { PeapodHost, PodFile, Test } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

t.setTimeout(600_000);

const base = 27_100 + (process.pid % 500) * 10;
const lacks = LACKS_PLUGINS || (existsSync("/proc/net/if_inet6") ? false : "no IPv6 here");
if (lacks) t.comment(lacks);

/** An address of this machine's, whatever others it has; at the loopback device, which always has a carrier. */
function withAddress(t: Test): string {
  const address = `fd50:7465:7374:f${(process.pid % 4096).toString(16)}::7`;
  execFileSync("ip", ["address", "add", `${address}/128`, "dev", "lo", "nodad"]);
  t.teardown(() => execFileSync("ip", ["address", "delete", `${address}/128`, "dev", "lo"]));
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

function publishing(networks: OwnNetworks, more: object = {}): void {
  const plugins = [networks.bridge(more), { type: "portmap", capabilities: { portMappings: true } }];
  networks.list("10-blue.conflist", { cniVersion: "1.0.0", name: "blue", plugins });
}

const server = (ports: readonly object[] = []) => ({
  name: "web",
  run: "mkdir -p /tmp/w; echo hello > /tmp/w/index.html; exec busybox httpd -f -p 80 -h /tmp/w",
  ports,
});

async function get(ip: string, port: number): Promise<string> {
  const url = `http://${ip.includes(":") ? `[${ip}]` : ip}:${port}/`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
  return (await answer?.text())?.trim() ?? "";
}

async function reaches(ip: string, port: number): Promise<void> {
  await waitUntil(`${ip} port ${port} leads to the pod`, async () => (await get(ip, port)) === "hello");
}

/** busybox has no server for datagrams. */
function echoIn(t: Test, host: PeapodHost, pod: PodFile, port: number): void {
  const program = `require('dgram').createSocket('udp6').on('message', function (m, from) { this.send('got ' + m, from.port, from.address); }).bind(${port})`;
  const netns = join(host.root, "pods", pod.name, "ns", "pod-net");
  const echo = spawn("nsenter", [`--net=${netns}`, process.execPath, "-e", program], { stdio: "ignore" });
  t.teardown(() => echo.kill("SIGKILL"));
}

if (!lacks) {
  testWithNetworks("at one IPv6 address, TCP and UDP, by -p and hostIP", async (t, host, networks) => {
    const address = withAddress(t);
    publishing(networks);
    const ports = [{ containerPort: 80, hostPort: base, hostIP: address.replace("::", ":0:0:0:0") }];
    const pod = host.aPod({ containers: [server(ports)] });
    await host.must("run", "-d", "-p", `[${address}]:${base + 1}:53/udp`, pod.file);
    t.equal(
      await host.must("port", pod.name),
      `80/tcp -> [${address}]:${base}\n53/udp -> [${address}]:${base + 1}\n`,
      "as podman prints it, however it was spelled",
    );
    await reaches(address, base);
    t.equal(await get("127.0.0.1", base), "", "at that address alone");
    echoIn(t, host, pod, 53);
    await waitUntil("UDP as well", async () => (await askByDatagram(address, base + 1)) === "got hello\n");
    const neighbour = host.aPod();
    await host.must("run", "-d", neighbour.file);
    const ask = ["exec", neighbour.name, "--", "busybox", "wget", "-qO-", `http://[${address}]:${base}/`];
    await waitUntil("its neighbour reaches it there", async () => (await host.peapod(...ask)).out === "hello\n");
    const twice = await host.peapod("run", "-d", "-p", `[${address}]:${base}:80`, host.aPod().file);
    t.match(twice, { code: 125, err: new RegExp(`${base}/tcp: is taken by pod ${pod.name} `) });
    await host.must("delete", "--force", pod.name);
    t.same(readRules(`dport ${base}`, `dports ${base}`), []);
    t.equal(await get(address, base), "");
  });

  testWithNetworks("at all IPv6 addresses, and at none of IPv4", async (t, host, networks) => {
    const address = withAddress(t);
    publishing(networks);
    const pod = host.aPod({ containers: [server([{ containerPort: 80, hostPort: base + 2, hostIP: "::" }])] });
    await host.must("run", "-d", pod.file);
    t.equal(await host.must("port", pod.name), `80/tcp -> [::]:${base + 2}\n`);
    await reaches(address, base + 2);
    t.equal(await get("127.0.0.1", base + 2), "");
  });

  testWithNetworks("an IPv4 address in IPv6's spelling is that IPv4 address", async (t, host, networks) => {
    publishing(networks);
    const pod = host.aPod({ containers: [server()] });
    await host.must("run", "-d", "-p", `[::ffff:127.0.0.1]:${base + 3}:80`, pod.file);
    t.equal(await host.must("port", pod.name), `80/tcp -> 127.0.0.1:${base + 3}\n`);
    await reaches("127.0.0.1", base + 3);
  });

  testWithNetworks("at IPv6's loopback it is refused before anything is made", async (t, host, networks) => {
    publishing(networks);
    const message = new RegExp(
      `^peapod: port \\[::1\\]:${base + 4}/tcp: the kernel lets nobody at ::1 reach a pod \\(`,
    );
    const asked = await host.peapod("run", "-d", "-p", `[::1]:${base + 4}:80`, host.aPod().file);
    t.match(asked, { code: 125, err: message });
    const ports = [{ containerPort: 80, hostPort: base + 4, hostIP: "0::1" }];
    const written = await host.peapod("run", "-d", host.aPod({ containers: [server(ports)] }).file);
    t.match(written, { code: 125, err: message });
    t.match(written.err, /pod2\.yaml:\d+ spec\.containers\[0\]\.ports\[0\]\.hostPort/);
    t.same(readAddresses(networks), []);
  });

  testWithNetworks(
    "for a pod without an IPv6 address it is refused, and nothing is left",
    async (t, host, networks) => {
      const address = withAddress(t);
      const ipam = {
        type: "host-local",
        dataDir: join(networks.dir, "addresses"),
        ranges: (networks.bridge() as { readonly ipam: { readonly ranges: readonly object[] } }).ipam.ranges.slice(
          0,
          1,
        ),
      };
      publishing(networks, { ipam });
      t.match(await host.peapod("run", "-d", "-p", `[${address}]:${base + 5}:80`, host.aPod().file), {
        code: 125,
        err: `network blue: gave no IPv6 address for port [${address}]:${base + 5}/tcp`,
      });
      t.same(readAddresses(networks), []);
      t.same(readRules(`dport ${base + 5}`, `dports ${base + 5}`), []);
    },
  );
}
