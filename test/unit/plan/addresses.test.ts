import t from "tap";
import { EACH_IP_MARK, POD_IP_MARK, POD_IPS_MARK, withAddresses } from "../../../src/plan/addresses.ts";
import { aPlan } from "../../support/planning.ts";

const DNS = { policy: "ClusterFirst", nameservers: ["192.0.2.9"], searches: [], options: [] } as const;
const FILES = [
  { path: "/f/hosts", text: `127.0.0.1\tlocalhost\n${EACH_IP_MARK}\tshop\n` },
  {
    path: "/f/resolv.conf",
    text: "nameserver 192.0.2.1\n",
    resolver: { dns: DNS, host: "search example\nnameserver 192.0.2.1\n" },
  },
];

t.test("what a pod is told when it has come to its networks", async (t) => {
  for (const { name, state, hosts, resolvConf } of [
    {
      name: "two addresses, and a network that names a server",
      state: { podIPs: ["10.0.0.2", "fd00::2"], dns: { nameservers: ["10.0.0.1"], search: ["pods"] } },
      hosts: "127.0.0.1\tlocalhost\n10.0.0.2\tshop\nfd00::2\tshop\n",
      resolvConf: "search pods example\nnameserver 10.0.0.1\nnameserver 192.0.2.9\n",
    },
    {
      name: "a network that says nothing of servers",
      state: { podIPs: ["10.0.0.2"], dns: { nameservers: [], search: [], options: [] } },
      hosts: "127.0.0.1\tlocalhost\n10.0.0.2\tshop\n",
      resolvConf: "search example\nnameserver 192.0.2.1\nnameserver 192.0.2.9\n",
    },
    {
      name: "not there yet",
      state: {},
      hosts: "127.0.0.1\tlocalhost\n127.0.0.1\tshop\n",
      resolvConf: "nameserver 192.0.2.1\n",
    },
  ]) {
    const plan = aPlan();
    const { sandbox } = withAddresses({ ...plan, sandbox: { ...plan.sandbox, files: FILES, networks: [] } }, state);
    t.same(
      sandbox.files.map(({ text }) => text),
      [hosts, resolvConf],
      name,
    );
  }
});

t.test("a container's environment and arguments", async (t) => {
  const plan = aPlan();
  const [first, ...rest] = plan.containers;
  if (first === undefined) throw new Error("the plan has a container");
  const process = { ...first.process, env: [`IP=${POD_IP_MARK}`], args: ["sh", `ips ${POD_IPS_MARK}`] };
  const attached = {
    ...plan,
    sandbox: { ...plan.sandbox, networks: [] },
    containers: [{ ...first, process }, ...rest],
  };
  const filled = withAddresses(attached, { podIPs: ["10.0.0.2", "fd00::2"] }).containers[0]?.process;
  t.match(filled, { env: ["IP=10.0.0.2"], args: ["sh", "ips 10.0.0.2,fd00::2"] });
  t.equal(withAddresses(plan, { podIPs: ["10.0.0.2"] }), plan, "one without networks is as it was");
});

t.test("a user's pod has its uplink's address, and the name servers that its plan has", async (t) => {
  const uplink = { kind: "pasta", program: "/pasta", netns: "/ns", dir: "/uplink", ports: [] } as const;
  const plan = aPlan();
  const { sandbox } = withAddresses(
    { ...plan, sandbox: { ...plan.sandbox, files: FILES, uplink } },
    { podIPs: ["10.0.2.100"], dns: { nameservers: [], search: [], options: [] } },
  );
  t.same(
    sandbox.files.map(({ text }) => text),
    ["127.0.0.1\tlocalhost\n10.0.2.100\tshop\n", FILES[1]?.text],
  );
});
