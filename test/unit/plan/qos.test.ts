import t from "tap";
import { reachableOomScoreAdj } from "../../../src/plan/qos.ts";
import { aPlan, containerOf, type PodWords } from "../../support/planning.ts";

function scores(words: PodWords, names = ["a"]) {
  const plan = aPlan(words, { facts: { memoryBytes: 8 * 2 ** 30 } });
  return [plan.sandbox.resources?.qosClass, ...names.map((name) => containerOf(plan, name).resources.oomScoreAdj)];
}

t.test("the class and the score are the kubelet's", async (t) => {
  const limits = { cpu: 1, memory: "1Gi" };
  t.same(scores({ containers: { a: {} } }), ["BestEffort", 1000]);
  t.same(scores({ containers: { a: { resources: { limits } } } }), ["Guaranteed", -997]);
  t.same(scores({ containers: { a: { resources: { limits } }, b: {} } }, ["a", "b"]), ["Burstable", 875, 999]);
  t.same(scores({ containers: { a: { resources: { limits: { memory: "1Gi" } } } } }), ["Burstable", 875]);
  t.same(scores({ containers: { a: { resources: { requests: { cpu: 1 } } } } }), ["Burstable", 999]);
  t.same(scores({ containers: { a: { resources: { requests: { cpu: 0 } } } } }), ["BestEffort", 1000]);
  t.same(scores({ containers: { a: { resources: { requests: { memory: "8Gi" } } } } }), ["Burstable", 3]);
});

t.test("a pod's own amounts decide alone, and what is left of its request is shared out", async (t) => {
  const containers = { a: { resources: { requests: { memory: "1Gi" } } }, b: {} };
  t.same(
    scores({ spec: { resources: { limits: { cpu: 1, memory: "4Gi" }, requests: { memory: "3Gi" } } }, containers }, [
      "a",
      "b",
    ]),
    ["Burstable", 750, 875],
  );
  t.same(scores({ spec: { resources: { limits: { cpu: 1, memory: "4Gi" } } }, containers: { a: {} } }), [
    "Guaranteed",
    -997,
  ]);
});

t.test("who may not lower the score leaves it as it is", async (t) => {
  t.equal(reachableOomScoreAdj(-997, { capabilities: [] }), undefined);
  t.equal(reachableOomScoreAdj(-997, { capabilities: ["SYS_RESOURCE"] }), -997);
  t.equal(reachableOomScoreAdj(1000, { capabilities: [] }), 1000);
  t.equal(reachableOomScoreAdj(400, { capabilities: [], oomScoreAdj: 500 }), undefined);
});
