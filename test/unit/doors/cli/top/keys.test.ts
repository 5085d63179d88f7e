import t from "tap";
import { parseKeys } from "../../../../../src/doors/cli/top/keys.ts";

t.test("keys are told apart, also where several come at once", async (t) => {
  t.same(parseKeys("q"), ["q"]);
  t.same(parseKeys("\u001b[A\u001bOB\u001b[6~j"), ["up", "down", "pagedown", "j"]);
  t.same(parseKeys("\r \n"), ["enter", "enter", "enter"]);
  t.same(parseKeys("\u001b"), ["escape"]);
  t.same(parseKeys("\u0003"), ["interrupt"]);
  t.same(parseKeys("\u001b[99;5Xc"), ["c"], "a sequence that nobody knows is no key");
  t.same(parseKeys("\u0001"), []);
});
