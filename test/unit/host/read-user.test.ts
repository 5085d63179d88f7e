import t from "tap";
import { parseIdMap } from "../../../src/host/read-user.ts";

t.test("ids count from 0 on as far as they go without a gap", async (t) => {
  t.same(parseIdMap("         0          0 4294967295\n"), { own: 0, count: 4_294_967_295 });
  t.same(parseIdMap("         0       1001          1\n         1     100000      65536\n"), {
    own: 1001,
    count: 65_537,
  });
  t.same(parseIdMap("1 100000 65536\n0 1001 1\n"), { own: 1001, count: 65_537 }, "in whatever order");
  t.same(parseIdMap("0 1001 1\n100 100000 65536\n"), { own: 1001, count: 1 });
});
