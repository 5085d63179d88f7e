import t from "tap";
import { makeConfig } from "../../../src/bundle/make-config.ts";
import { rebasePlan } from "../../../src/bundle/rebase-plan.ts";
import { moveInto, type OuterConfig } from "../../../src/plan/outer.ts";
import { aManifest, aPlan, containerOf, type PodWords } from "../../support/planning.ts";

const SHELL: PodWords = { containers: { web: { tty: true, stdin: true }, plain: {} } };

t.test("a container that says nothing of streams has a plan that says nothing of them", async (t) => {
  const plan = aPlan(SHELL);
  t.notOk("stdio" in containerOf(plan, "plain"));
  t.equal(makeConfig(plan, containerOf(plan, "plain")).process.terminal, false);
  t.same(containerOf(plan, "web").stdio, { stdin: true, stdinOnce: false, tty: true });
  t.equal(makeConfig(plan, containerOf(plan, "web")).process.terminal, true);
});

t.test("a terminal has a kind, unless the manifest tells another", async (t) => {
  const env = (words: PodWords) => containerOf(aPlan(words), "web").process.env.filter((pair) => /^TERM=/.test(pair));
  t.same(env(SHELL), ["TERM=xterm"]);
  t.same(env({ containers: { web: { tty: true, env: [{ name: "TERM", value: "vt100" }] } } }), ["TERM=vt100"]);
  t.same(env({ containers: { web: { stdin: true } } }), []);
});

t.test("bundles that are run by hand have no terminal", async (t) => {
  const plan = rebasePlan(aPlan(SHELL), "/there");
  t.equal(makeConfig(plan, containerOf(plan, "web")).process.terminal, false);
});

t.test("in a caller's container the only member has the caller's streams, and several have none", async (t) => {
  const move = (words: PodWords, terminal: boolean) => {
    const config = { process: { terminal, user: { uid: 0, gid: 0 } }, root: { path: "rootfs" } } as OuterConfig;
    return moveInto(aPlan(words), aManifest(words), { pid: 42, startTime: 1, dir: "/x", cgroupPath: "/c", config });
  };
  const one = { containers: { web: { tty: true, stdin: true } } };
  t.notOk("stdio" in containerOf(move(one, true), "web"));
  t.throws(() => move(one, false), { code: "NOT_SUPPORTED", message: /container web: its caller gave no terminal/ });
  t.throws(() => move(SHELL, true), {
    code: "NOT_SUPPORTED",
    message: /container web: cannot have the caller's terminal among several \(pod.yaml:\d+ spec.containers\[0\].tty\)/,
  });
  t.throws(() => move({ containers: { a: {}, b: { stdin: true } } }, true), {
    message: /standard input among several/,
  });
  t.ok(move({ containers: { web: { stdin: true } } }, false));
});
