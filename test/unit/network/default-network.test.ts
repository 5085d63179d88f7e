import t from "tap";
import { chooseSubnet, makeDefaultNetwork, parseRoutes } from "../../../src/network/default-network.ts";
import { parseNetworkList } from "../../../src/network/parse-list.ts";

const HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
const route = (name: string, destination: string, mask: string) =>
  `${name}\t${destination}\t00000000\t0001\t0\t0\t0\t${mask}\t0\t0\t0\n`;

t.test("addresses that no route of the machine leads to, and the bridge's own once it is there", async (t) => {
  t.equal(chooseSubnet(parseRoutes(HEAD)), "10.87.0.0/16");
  const usual = route("eth0", "00000000", "00000000");
  t.equal(chooseSubnet(parseRoutes(HEAD + usual)), "10.87.0.0/16", "the default route is in nobody's way");
  const taken = HEAD + usual + route("tun0", "0000000A", "000000FF");
  t.equal(chooseSubnet(parseRoutes(taken)), "172.27.0.0/16", "10.0.0.0/8 is taken");
  const part = HEAD + route("tun0", "0002570A", "00FFFFFF");
  t.equal(chooseSubnet(parseRoutes(part)), "10.187.0.0/16", "10.87.2.0/24 is a part of it");
  t.equal(chooseSubnet(parseRoutes(part + route("peapod0", "0000570A", "0000FFFF"))), "10.87.0.0/16");
});

t.test("it is a list as any other", async (t) => {
  for (const hasIpv6 of [true, false]) {
    const list = makeDefaultNetwork("10.87.0.0/16", hasIpv6);
    const { file: _, ...parsed } = parseNetworkList(JSON.stringify(list), "x");
    t.same(parsed, list);
  }
});
