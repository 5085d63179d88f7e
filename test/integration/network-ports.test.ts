// Promise: a published port leads to the pod, from wherever it is asked; one that is taken is told before anything starts.

import { spawn } from "node:child_process";
import { request } from "node:http";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import t from "tap";
import { askByDatagram } from "../support/ask-by-datagram.ts";
import { readRules, testWithNetworks } from "../support/networks.ts";
import type { PeapodHost } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

t.setTimeout(600_000);

const server = (ports: readonly object[]) => ({
  name: "web",
  run: "mkdir -p /tmp/w; echo it is $HOSTNAME > /tmp/w/index.html; exec busybox httpd -f -p 80 -h /tmp/w",
  ports,
});
/** Of no range that the kernel gives away, one for each test process. */
const base = 12_000 + (process.pid % 1500) * 10;

/** On a machine without a network the bridge's, which is the machine's as well. */
function hostAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
  const outside = all.filter(({ family, internal }) => family === "IPv4" && !internal);
  const own = outside.find(({ address }) => !address.startsWith("10.87.")) ?? outside[0];
  return own?.address ?? "127.0.0.1";
}

function get(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({ host, port, timeout: 2000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (more: string) => {
        text += more;
      });
      answer.on("end", () => resolve(text.trim())).on("error", () => resolve(""));
    });
    asked
      .on("timeout", () => asked.destroy())
      .on("error", () => resolve(""))
      .end();
  });
}

async function reaches(pod: string, host: string, port: number): Promise<void> {
  await waitUntil(`${host}:${port} leads to ${pod}`, async () => (await get(host, port)) === `it is ${pod}`);
}

async function reachesFromPod(host: PeapodHost, from: string, pod: string, ip: string, port: number): Promise<void> {
  await waitUntil(`${ip}:${port} leads ${from} to ${pod}`, async () => {
    const { out } = await host.peapod("exec", from, "busybox", "wget", "-qO-", `http://${ip}:${port}/`);
    return out.trim() === `it is ${pod}`;
  });
}

testWithNetworks(
  "a hostPort is reached at localhost, the machine's address, from a neighbour and from itself",
  async (t, host) => {
    const pod = host.aPod({ containers: [server([{ containerPort: 80, hostPort: base }])] });
    await host.must("run", "-d", pod.file);
    const neighbour = host.aPod();
    await host.must("run", "-d", neighbour.file);
    await reaches(pod.name, "127.0.0.1", base);
    await reaches(pod.name, hostAddress(), base);
    await reachesFromPod(host, neighbour.name, pod.name, hostAddress(), base);
    await reachesFromPod(host, pod.name, pod.name, hostAddress(), base);
    t.equal(await host.must("port", pod.name), `80/tcp -> 0.0.0.0:${base}\n`);
    await host.must("delete", "--force", pod.name);
    t.equal(await get("127.0.0.1", base), "", "it leads nowhere any more");
    t.same(readRules(`dpt:${base}`, `dport ${base}`, `dports ${base}`), []);
  },
);

testWithNetworks(
  "-p as podman has it: ranges, addresses, protocols, any port; over the manifest's",
  async (t, host) => {
    const pod = host.aPod({ containers: [server([{ containerPort: 80, hostPort: base + 1 }])] });
    const publish = [`127.0.0.1:${base + 2}:80`, `${base + 3}-${base + 4}:90-91/udp`, "70"];
    await host.must("run", "-d", ...publish.flatMap((one) => ["-p", one]), pod.file);
    const lines = (await host.must("port", pod.name)).trim().split("\n");
    t.match(lines, [
      `80/tcp -> 127.0.0.1:${base + 2}`,
      `90/udp -> 0.0.0.0:${base + 3}`,
      `91/udp -> 0.0.0.0:${base + 4}`,
      /^70\/tcp -> 0\.0\.0\.0:\d+$/,
    ]);
    t.equal(lines.length, 4, "the manifest's own is replaced");
    t.equal(await host.must("port", pod.name, "91/udp"), `0.0.0.0:${base + 4}\n`);
    t.match(await host.peapod("port", pod.name, "81"), { code: 125, err: /no port of the host leads to 81/ });
    await reaches(pod.name, "127.0.0.1", base + 2);
    t.equal(await get(hostAddress(), base + 2), "", "at that address alone");
  },
);

testWithNetworks("UDP leads to the pod as well", async (t, host) => {
  const pod = host.aPod();
  await host.must("run", "-d", "-p", `${base + 5}:53/udp`, pod.file);
  // In the pod's network; busybox has no server for datagrams.
  const program =
    "require('dgram').createSocket('udp4').on('message', function (m, from) { this.send('got ' + m, from.port, from.address); }).bind(53)";
  const netns = join(host.root, "pods", pod.name, "ns", "pod-net");
  const echo = spawn("nsenter", [`--net=${netns}`, process.execPath, "-e", program], { stdio: "ignore" });
  t.teardown(() => echo.kill("SIGKILL"));
  await waitUntil("it answers", async () => (await askByDatagram("127.0.0.1", base + 5)).includes("got hello"));
  await waitUntil("there, too", async () => (await askByDatagram(hostAddress(), base + 5)).includes("got hello"));
});

testWithNetworks("SCTP is published with rules of its own", async (t, host) => {
  const pod = host.aPod({ containers: [server([{ containerPort: 70, hostPort: base + 5, protocol: "SCTP" }])] });
  const { code, err } = await host.peapod("run", "-d", pod.file);
  if (code !== 0) {
    t.match(err, /network peapod: portmap: .*sctp/i, "a kernel without it is told so in the plugin's words");
    return;
  }
  t.equal(await host.must("port", pod.name), `70/sctp -> 0.0.0.0:${base + 5}\n`);
  t.ok(readRules(`dport ${base + 5}`).some((rule) => /-p sctp .*-j DNAT/.test(rule)));
});

testWithNetworks("a port that is taken is an error before anything starts", async (t, host) => {
  const pod = host.aPod({ containers: [server([{ containerPort: 80, hostPort: base + 6 }])] });
  await host.must("run", "-d", pod.file);
  const other = host.aPod({ containers: [server([{ containerPort: 80, hostPort: base + 6, hostIP: "127.0.0.1" }])] });
  t.match(await host.peapod("run", "-d", other.file), {
    code: 125,
    err: new RegExp(
      `port 127\\.0\\.0\\.1:${base + 6}/tcp: is taken by pod ${pod.name} \\(\\S*${other.name}\\.yaml:\\d+ spec\\.containers\\[0\\]`,
    ),
  });
  await host.must("run", "-d", "-p", `${base + 6}:80/udp`, host.aPod().file);
  for (const address of ["127.0.0.1", "0.0.0.0", "::1", "::"]) {
    const listening = createServer().listen({ port: base + 7, host: address, ipv6Only: true });
    await new Promise((resolve) => listening.once("listening", resolve));
    t.match(await host.peapod("run", "-d", "-p", `${base + 7}:80`, host.aPod().file), {
      code: 125,
      err: new RegExp(`port ${base + 7}/tcp: is taken \\(option --publish ${base + 7}:80\\)`),
    });
    await new Promise((resolve) => listening.close(resolve));
  }
  t.match(await host.peapod("run", "-d", "-p", `192.0.2.1:${base + 8}:80`, host.aPod().file), {
    code: 125,
    err: /this machine has no address 192\.0\.2\.1/,
  });
  t.equal((await host.json<readonly unknown[]>("list")).length, 2, "of those that failed nothing is there");
});

testWithNetworks("of two who want one port at once, one gets it", async (t, host) => {
  const pods = Array.from({ length: 4 }, () => host.aPod());
  const ended = await Promise.all(pods.map((pod) => host.peapod("run", "-d", "-p", `${base + 9}:80`, pod.file)));
  t.equal(ended.filter(({ code }) => code === 0).length, 1);
  for (const { code, err } of ended) if (code !== 0) t.match(err, /is taken/);
});

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [["-p", "web"], /option --publish: web: is not a port/],
  [["-p", "0:80"], /option --publish: 0:80: 0 is not a port/],
  [["-p", "80:70000"], /70000 is not a port/],
  [["-p", "1000-1002:80"], /3 of the host and 1 of the pod are not as many/],
  [["-p", "80:80/icmp"], /icmp is not tcp, udp or sctp/],
  [["-p", "home:80:80"], /home is not an address/],
  [["-p", "8000:80", "-p", "8000:81"], /port 8000\/tcp: is published twice/],
  [["-p", "8000:80", "--network", "none"], /port 8000\/tcp: cannot lead to a pod without a network of peapod's making/],
  [["-p", "8000:80", "--network", "host"], /the pod has the host's network, where both ports are one/],
  [["--network", "nosuch"], /network nosuch: no file in \S+ has it/],
  [["--network", "host,blue"], /option --network: host stands alone/],
  [["--network", "blue:ip=ten"], /option --network: blue: ten is not an address/],
  [["--network", "blue:colour=red"], /option --network: blue: colour=red is not an option/],
  [["--network", "netns:run/x"], /run\/x is not an absolute path/],
];
for (const [words, message] of WRONG) {
  testWithNetworks(
    `run ${words.join(" ")} is refused`,
    async (t, host) => {
      const { code, err } = await host.peapod("run", "-d", ...words, host.aPod().file);
      t.equal(code, 125);
      t.match(err, message);
    },
    { needs: "nothing" },
  );
}
