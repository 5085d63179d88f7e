import t from "tap";
import { makeCall, makeListCall, makeOrder } from "../../../src/network/make-calls.ts";
import type { PlannedNetwork } from "../../../src/network/network.ts";
import { convertResult, makeAttached, makeDns, makePluginError } from "../../../src/network/parse-answer.ts";

const network: PlannedNetwork = {
  name: "blue",
  interface: "eth0",
  containerId: "web-1",
  netns: "/ns",
  list: {
    name: "blue",
    cniVersion: "1.0.0",
    plugins: [
      { type: "bridge", capabilities: { mac: true, ips: false } },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  },
  path: ["/a", "/b"],
  timeoutMs: 1000,
  args: { IgnoreUnknown: "1", K8S_POD_NAME: "web" },
  capabilities: { mac: "02:00:00:00:00:01", ips: ["10.0.0.1"], portMappings: [] },
  wanted: { ips: [] },
  record: "/r",
};

t.test("a call has what the specification asks for, and the capabilities that the plugin declares", async (t) => {
  const call = makeCall(network, "ADD", 0, undefined);
  t.same(call.env, {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: "web-1",
    CNI_NETNS: "/ns",
    CNI_IFNAME: "eth0",
    CNI_PATH: "/a:/b",
    CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAME=web",
  });
  t.same(JSON.parse(call.config), {
    type: "bridge",
    capabilities: { mac: true, ips: false },
    cniVersion: "1.0.0",
    name: "blue",
    runtimeConfig: { mac: "02:00:00:00:00:01" },
  });
  t.match(JSON.parse(makeCall(network, "DEL", 1, { ips: [] }).config), {
    prevResult: { ips: [] },
    runtimeConfig: { portMappings: [] },
  });
  t.same(
    [makeOrder(network.list, "ADD"), makeOrder(network.list, "DEL")],
    [
      [0, 1],
      [1, 0],
    ],
  );
  const gc = makeListCall(network.list, 0, "GC", ["/a"], [{ containerId: "c", interface: "eth0" }]);
  t.same(JSON.parse(gc.config)["cni.dev/valid-attachments"], [{ containerID: "c", ifname: "eth0" }]);
});

t.test("what the pod has is what lies in it, whoever else is told of", async (t) => {
  const interfaces = [{ name: "br0" }, { name: "veth1" }, { name: "eth0", mac: "aa:bb", sandbox: "/ns" }];
  const ips = [
    { address: "10.0.0.2/24", gateway: "10.0.0.1", interface: 2 },
    { address: "10.0.0.1/24", interface: 0 },
    { address: "fd00::2/64" },
  ];
  t.same(makeAttached("blue", "eth0", { interfaces, ips }), {
    name: "blue",
    interface: "eth0",
    mac: "aa:bb",
    ips: [
      { address: "10.0.0.2", prefix: 24, gateway: "10.0.0.1" },
      { address: "fd00::2", prefix: 64 },
    ],
  });
  t.same(makeAttached("blue", "eth0", {}), { name: "blue", interface: "eth0", ips: [] });
});

t.test("results go from version to version, names come together", async (t) => {
  const ips = [{ address: "10.0.0.2/24" }, { address: "fd00::2/64" }];
  const old = convertResult({ cniVersion: "1.0.0", ips }, { cniVersion: "0.3.1" });
  t.same(old.ips, [
    { version: "4", address: "10.0.0.2/24" },
    { version: "6", address: "fd00::2/64" },
  ]);
  t.same(convertResult(old, { cniVersion: "1.1.0" }), { cniVersion: "1.1.0", ips });
  t.same(
    makeDns([
      { dns: { nameservers: ["1.1.1.1"], domain: "a" } },
      { dns: { nameservers: ["1.1.1.1", "9.9.9.9"], search: ["b"] } },
      {},
    ]),
    {
      nameservers: ["1.1.1.1", "9.9.9.9"],
      search: ["b", "a"],
      options: [],
    },
  );
});

t.test("a plugin that could not be started, or says only who it is, is told as such", async (t) => {
  const asked = { network: "blue", type: "x", verb: "ADD", timeoutMs: 1000 } as const;
  const done = {
    exitCode: undefined,
    signal: undefined,
    timedOut: false,
    stdout: "",
    stderr: "",
    startError: undefined,
  };
  t.equal(makePluginError(asked, { ...done, exitCode: 0 }), undefined);
  t.match(makePluginError(asked, { ...done, startError: "ENOEXEC" }), {
    message: "network blue: plugin x: could not be started: ENOEXEC",
  });
  t.match(makePluginError(asked, { ...done, exitCode: 1, stdout: '{"code":7,"msg":"no \\u001b[2J"}' }), {
    message: 'network blue: x: "no \\u001b[2J"',
    detail: { code: 7 },
  });
});
