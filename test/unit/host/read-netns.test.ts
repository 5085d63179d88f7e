import t from "tap";
import { parseAddresses } from "../../../src/host/read-netns.ts";

const at = (ifname: string, ...found: (readonly [string, string, string])[]) => ({
  ifname,
  addr_info: found.map(([family, local, scope]) => ({ family, local, scope, prefixlen: family === "inet" ? 24 : 64 })),
});
const parse = (...links: object[]) => parseAddresses(JSON.stringify(links));

t.test("one address of each family, of the first interface that others reach", async (t) => {
  const lo = at("lo", ["inet", "127.0.0.1", "host"], ["inet", "10.0.0.9", "global"]);
  const eth0 = at(
    "eth0",
    ["inet6", "fd00::1", "global"],
    ["inet", "10.0.0.1", "global"],
    ["inet", "10.0.0.2", "global"],
  );
  t.same(parse(lo, eth0, at("eth1", ["inet", "10.1.0.1", "global"])), [
    { address: "10.0.0.1", prefix: 24 },
    { address: "fd00::1", prefix: 64 },
  ]);
  t.same(parse(at("eth0", ["inet6", "fe80::1", "link"]), at("eth1", ["inet6", "fd00::2", "global"])), [
    { address: "fd00::2", prefix: 64 },
  ]);
  t.same(parse(lo), [], "the loopback's are nobody's but its own");
});

t.test("what is no such list has no addresses", async (t) => {
  for (const text of [
    "",
    "null",
    "{}",
    "[1]",
    '[{"ifname":"eth0"}]',
    '[{"ifname":"eth0","addr_info":[{"scope":"global"}]}]',
  ])
    t.same(parseAddresses(text), [], text);
});
