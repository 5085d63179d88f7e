import t from "tap";
import { makeEnv } from "../../../../src/doors/cli/env-file.ts";

const CALLER = { HERE: "callers", MY_A: "1", MY_B: "2" };

function envOf(text: string, words: readonly string[] = []) {
  return { ...makeEnv([{ path: "vars", text }], words, CALLER) };
}

t.test("as podman reads it", async (t) => {
  t.same(envOf("A=1\n\n# no\n  B = two words \r\nC=\nD=x=y\n"), { A: "1", B: " two words ", C: "", D: "x=y" });
  t.same(envOf("HERE\nGONE\n"), { HERE: "callers" }, "a name alone is the caller's");
  t.same(envOf("MY_*\n"), { MY_A: "1", MY_B: "2" });
  t.same(envOf('A="quoted"\n'), { A: '"quoted"' }, "quotes are part of the value");
  t.same(envOf("A=1\nA=2\n", ["A=3", "HERE"]), { A: "3", HERE: "callers" }, "the last one wins, and words over files");
  t.same(envOf("__proto__=x\n"), JSON.parse('{"__proto__": "x"}'));
});

t.test("what is no variable is told with its place", async (t) => {
  t.throws(() => envOf("A=1\n=x\n"), { code: "BAD_USAGE", message: 'env file vars:2: "" is not a variable\'s name' });
  t.throws(() => envOf("", ["=x"]), { code: "BAD_USAGE", message: /^option --env: "" is not/ });
});
