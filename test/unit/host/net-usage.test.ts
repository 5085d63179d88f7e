import t from "tap";
import { parseNetDev, readNetUsage } from "../../../src/host/net-usage.ts";

t.test("all interfaces but the loopback are added up", async (t) => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     500       5    0    0    0     0          0         0      500       5    0    0    0     0       0          0
  eth0:    1000      10    0    0    0     0          0         0      200       3    0    0    0     0       0          0
  eth1:       1      10    0    0    0     0          0         0        2       3    0    0    0     0       0          0
`;
  t.same(parseNetDev(text), { receivedBytes: 1001, sentBytes: 202 });
  t.equal(readNetUsage(2 ** 30), undefined, "a process that is gone");
});
