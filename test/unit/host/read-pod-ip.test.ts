import t from "tap";
import { parseLocalAddresses } from "../../../src/host/read-pod-ip.ts";

const TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
     +-- 172.17.0.0/16 2 0 2
        |-- 172.17.0.0
           /16 link UNICAST
        |-- 172.17.0.2
           /32 host LOCAL
        |-- 172.17.255.255
           /32 link BROADCAST
Local:
        |-- 172.17.0.2
           /32 host LOCAL
`;

t.test("a network's own addresses, without the loopback's", async (t) => {
  t.same(parseLocalAddresses(TRIE), ["172.17.0.2"]);
  t.same(parseLocalAddresses(""), []);
});
