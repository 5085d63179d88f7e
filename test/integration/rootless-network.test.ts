// A user's pod reaches the network through a program of his own, which is there as long as the pod is.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { testAsUser, type UserHost } from "../support/a-user.ts";
import { killIfThere, readIfAny } from "../support/if-any.ts";
import type { PodFile } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

/** An address of the machine that a pod with a copy of its usual one does not have itself. */
const ADDRESS = `198.51.100.${(process.pid % 250) + 1}`;
const LINK = `ptul${process.pid % 10_000}`;

const hasRoute = /^\S+\t00000000\t/m.test(readFileSync("/proc/net/route", "utf8"));

async function withServer(work: (port: number) => Promise<void>): Promise<void> {
  execFileSync("ip", ["link", "add", LINK, "type", "bridge"]);
  const server: Server = createServer((_, response) => response.end("from outside\n"));
  try {
    execFileSync("ip", ["address", "add", `${ADDRESS}/32`, "dev", LINK]);
    execFileSync("ip", ["link", "set", LINK, "up"]);
    await new Promise<void>((resolve) => server.listen(0, ADDRESS, resolve));
    const address = server.address();
    await work(typeof address === "object" && address !== null ? address.port : 0);
  } finally {
    server.close();
    execFileSync("ip", ["link", "delete", LINK]);
  }
}

function uplinkPid(host: UserHost, pod: PodFile): number {
  return Number(readIfAny(join(host.root, "pods", pod.name, "uplink", "pid")).trim());
}

for (const kind of ["pasta", "slirp4netns"]) {
  const lacks = !existsSync(`/usr/bin/${kind}`)
    ? `${kind} is not installed`
    : !existsSync("/dev/net/tun")
      ? "no /dev/net/tun here"
      : !hasRoute && "the machine has no route to copy";
  testAsUser(
    `by ${kind} a pod reaches others; it is started again when it is killed, and ends with the pod`,
    async (t, host) => {
      host.network = kind;
      await withServer(async (port) => {
        const pod = host.aPod({ containers: [{ name: "web" }] });
        await host.must("run", "-d", pod.file);
        const fetch = () => host.peapod("exec", pod.name, "--", "wget", "-q", "-O", "-", `http://${ADDRESS}:${port}/`);
        t.match(await fetch(), { code: 0, out: "from outside\n" });
        const first = uplinkPid(host, pod);
        t.ok(host.pids().includes(first), "it is a process of the user's");
        killIfThere(first);
        await waitUntil(
          "there is another",
          () => host.pids().includes(uplinkPid(host, pod)) && uplinkPid(host, pod) !== first,
        );
        await waitUntil("it carries", async () => (await fetch()).code === 0);
        // By now its supervisor may sleep, or not: both ways down are right.
        await host.must("delete", "--force", pod.name);
        await host.noLeftovers(t);
      });
    },
    { skip: lacks },
  );
}

for (const kind of ["pasta", "slirp4netns"]) {
  testAsUser(
    `by ${kind} a published port leads to a user's pod, and nobody else can have it meanwhile`,
    async (t, host) => {
      host.network = kind;
      const port = 23_000 + (process.pid % 10_000);
      const serve = "mkdir /tmp/www; echo hello > /tmp/www/index.html; exec httpd -f -p 80 -h /tmp/www";
      const pod = host.aPod({ containers: [{ name: "web", run: serve }] });
      await host.must("run", "-d", "-p", `127.0.0.1:${port}:80`, pod.file);
      t.equal(await host.must("port", pod.name), `80/tcp -> 127.0.0.1:${port}\n`);
      await waitUntil("it answers", async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
        return (await answer?.text()) === "hello\n";
      });
      const answers = async () => await (await fetch(`http://127.0.0.1:${port}/`)).text();
      const { cursor } = await host.shown(pod);
      await host.must("update", pod.name, "-f", pod.file);
      t.equal((await host.shown(pod)).cursor, cursor, "the same manifest changes nothing");
      const more = host.aPod({ name: pod.name, containers: [{ name: "web", run: serve }, { name: "more" }] });
      await host.must("update", pod.name, "-f", more.file);
      t.equal(await answers(), "hello\n", "and another member does not take its port away");
      const other = host.aPod({ name: "other" });
      const refused = await host.peapod("run", "-d", "-p", `127.0.0.1:${port}:80`, other.file);
      t.match(refused, { code: 125, err: new RegExp(`${port}/tcp: is taken`) });
      await host.must("delete", "--force", pod.name);
      await host.noLeftovers(t);
    },
    { skip: existsSync(`/usr/bin/${kind}`) && existsSync("/dev/net/tun") && hasRoute ? false : `no ${kind} here` },
  );
}

for (const kind of ["pasta", "slirp4netns"]) {
  testAsUser(
    `by ${kind} a pod tells the address that it has`,
    async (t, host) => {
      host.network = kind;
      const env = [{ name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }];
      const pod = host.aPod({ containers: [{ name: "web", env }] });
      await host.must("run", "-d", pod.file);
      const ask = (script: string) => host.must("exec", pod.name, "--", "sh", "-c", script);
      const address = (await ask("ip -4 address show dev eth0 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p'")).trim();
      t.match(address, kind === "slirp4netns" ? /^10\.0\.2\.100$/ : /^\d+(\.\d+){3}$/);
      const { podIP, podIPs, networks } = await host.shown(pod);
      t.equal(podIP, address);
      t.equal(podIPs[0], address);
      t.match(networks, [{ name: kind, interface: "eth0" }]);
      t.match(await host.must("list", "--format", "wide"), new RegExp(`${address} +${kind}`));
      t.match(await ask("cat /etc/hosts"), new RegExp(`^${address}\\t${pod.name}$`, "m"));
      t.equal(await ask('echo "$IP"'), `${address}\n`);
      // One that is started again has the same, and nothing is told twice.
      const first = uplinkPid(host, pod);
      killIfThere(first);
      const isOther = () => host.pids().includes(uplinkPid(host, pod)) && uplinkPid(host, pod) !== first;
      await waitUntil("there is another", isOther);
      await waitUntil("it has the address again", async () =>
        (await ask("ip -4 address show dev eth0 || true")).includes(`${address}/`),
      );
      await host.must("restart", pod.name);
      t.equal(await ask('echo "$IP"; grep -c "$IP" /etc/hosts'), `${address}\n1\n`);
      const told = (await host.must("events", pod.name)).split("\n").filter((line) => line.includes("attached to"));
      t.equal(told.length, 1);
      await host.must("delete", "--force", pod.name);
    },
    { skip: existsSync(`/usr/bin/${kind}`) && existsSync("/dev/net/tun") && hasRoute ? false : `no ${kind} here` },
  );
}

testAsUser("without a program for it a pod has its loopback device, and says so once", async (t, host) => {
  host.network = "";
  host.withoutTun();
  const pod = host.aPod({ containers: [{ name: "web" }] });
  const { code, err } = await host.peapod("run", "-d", pod.file);
  t.equal(code, 0, err);
  t.match(err, /note: pod pod1 has no network but its loopback device: .*\n$/);
  t.equal(await host.must("exec", pod.name, "--", "sh", "-c", "cat /proc/net/dev | tail -n +3 | wc -l"), "1\n");
  t.equal((await host.shown(pod)).podIP, null);
  t.match(await host.must("exec", pod.name, "--", "cat", "/etc/hosts"), new RegExp(`^127.0.0.1\\t${pod.name}$`, "m"));
});

testAsUser("networks that only root may make are refused", async (t, host) => {
  host.network = "blue";
  const { code, err } = await host.peapod("run", "-d", host.aPod().file);
  t.not(code, 0);
  t.match(err, "network blue: is for root's pods, who alone may connect namespaces");
});
