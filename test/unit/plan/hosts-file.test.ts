import t from "tap";
import { makeHosts, makeHostsOfHost } from "../../../src/plan/hosts-file.ts";

const HEAD = `# Made by peapod for the containers of this pod.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`;

t.test("a pod without an address is found at the loopback", async (t) => {
  t.equal(makeHosts({ names: ["shop"], aliases: [] }), `${HEAD}127.0.0.1\tshop\n`);
  t.equal(makeHosts({ names: ["shop"], addresses: [], aliases: [] }), `${HEAD}127.0.0.1\tshop\n`);
});

t.test("each address has a line with all names, the whole name first", async (t) => {
  const addresses = ["10.88.0.5", "fd00:88::5"];
  const names = ["web.shop.default.svc.cluster.local", "web"];
  t.equal(
    makeHosts({ names, addresses, aliases: [] }),
    `${HEAD}10.88.0.5\t${names.join("\t")}\nfd00:88::5\t${names.join("\t")}\n`,
  );
});

t.test("aliases follow, a line for each that has a name", async (t) => {
  const aliases = [
    { ip: "192.0.2.1", hostnames: ["db", "db.example"] },
    { ip: "192.0.2.2", hostnames: [] },
    { ip: "2001:db8::1", hostnames: ["far"] },
  ];
  const lines = "\n# From hostAliases and --add-host.\n192.0.2.1\tdb\tdb.example\n2001:db8::1\tfar\n";
  t.equal(makeHosts({ names: ["shop"], aliases }), `${HEAD}127.0.0.1\tshop\n${lines}`);
  t.equal(
    makeHostsOfHost("127.0.0.1 localhost\n192.0.2.2 host\n\n", aliases),
    "# Made by peapod: the hosts file of the host, and what the pod adds to it.\n" +
      `127.0.0.1 localhost\n192.0.2.2 host\n${lines}`,
  );
  t.match(makeHostsOfHost("", aliases), /adds to it\.\n\n# From/);
});
