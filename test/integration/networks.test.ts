// Promise: a pod has the addresses of the networks that were asked for, is reached there, and gives them back.

import t from "tap";
import { LACKS_PLUGINS, readAddresses, readRules, testWithNetworks } from "../support/networks.ts";
import { waitUntil } from "../support/wait-until.ts";

t.setTimeout(600_000);

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
