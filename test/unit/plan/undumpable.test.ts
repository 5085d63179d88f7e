import t from "tap";
import type { Plan } from "../../../src/plan/plan.ts";
import { whyNotDumpable } from "../../../src/plan/undumpable.ts";
import { aPlan, type PlanWords, type PodWords, RUNC_1_1 } from "../../support/planning.ts";

const WISHES = { tcpEstablished: false };

function why(words: PodWords, more: { wishes?: typeof WISHES; plan?: PlanWords; running?: string[] } = {}) {
  const plan: Plan = aPlan(words, more.plan);
  const running = new Set(more.running ?? plan.containers.map(({ name }) => name as string));
  return whyNotDumpable(plan, running, more.wishes ?? WISHES);
}

t.test("an ordinary pod can be put on disk, also with host network", async (t) => {
  t.equal(why({ containers: ["web", "db"] }), undefined);
  t.equal(why({ spec: { hostNetwork: true } }), undefined);
});

t.test("what cannot is refused with the thing that stands against it", async (t) => {
  t.equal(why({ containers: { web: { tty: true } } }), "container web: has a terminal, which is not its own");
  t.equal(
    why({ containers: { web: {}, sh: { tty: true } } }, { running: ["web"] }),
    undefined,
    "one that does not run is not put anywhere",
  );
  t.match(why({ spec: { shareProcessNamespace: true } }), /^pod shop: its pid namespace ends with the first process/);
  t.equal(why({ spec: { hostPID: true } }), "container web: is in the pid namespace of the host");
  t.equal(
    why({}, { plan: { runtime: { ...RUNC_1_1, kind: "crun" } } }),
    "pod shop: runs by crun, and checkpoints are made by runc",
  );
});

t.test("connections are kept only where both ends stand still", async (t) => {
  const wishes = { tcpEstablished: true };
  t.equal(why({}, { wishes }), undefined);
  t.match(why({ spec: { hostNetwork: true } }, { wishes }), /^container web: is not in the pod's own network/);
});
