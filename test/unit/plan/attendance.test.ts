import t from "tap";
import { makeStopSignal } from "../../../src/plan/attendance.ts";
import { aPlan } from "../../support/planning.ts";

t.test("probes, hooks and the stop signal are planned, each with its line", async (t) => {
  const fields = {
    env: [{ name: "PORT", value: "80" }],
    livenessProbe: { exec: { command: ["check", "$(PORT)", "$(OTHER)", "$$(PORT)"] } },
    lifecycle: { preStop: { exec: { command: ["stop", "$(PORT)"] } }, stopSignal: "SIGRTMIN+3" },
  };
  const [web, plain] = aPlan({ containers: { web: fields, plain: {} } }).containers;
  t.same(web?.probes?.liveness?.handler, { kind: "exec", command: ["check", "80", "$(OTHER)", "$(PORT)"] });
  t.same(web?.hooks, { preStop: { kind: "exec", command: ["stop", "$(PORT)"] } }, "hooks are not expanded");
  t.equal(web?.stopSignal, "37");
  t.match(web?.reasons["probes.liveness"]?.where, /^pod.yaml:\d+ spec.containers\[0\].livenessProbe$/);
  t.match(web?.reasons["hooks.preStop"]?.where, /lifecycle.preStop$/);
  t.match(web?.reasons.stopSignal?.where, /lifecycle.stopSignal$/);
  for (const field of ["probes", "hooks", "stopSignal"]) t.notOk(field in (plain ?? {}), field);
});

t.test("a stop signal is what runc's kill takes", async (t) => {
  for (const [written, planned] of [
    ["SIGTERM", "SIGTERM"],
    ["SIGSTKFLT", "SIGSTKFLT"],
    ["SIGCLD", "SIGCHLD"],
    ["SIGIOT", "SIGABRT"],
    ["SIGPOLL", "SIGIO"],
    ["SIGRTMIN", "34"],
    ["SIGRTMIN+15", "49"],
    ["SIGRTMAX-14", "50"],
    ["SIGRTMAX", "64"],
  ] as const)
    t.equal(makeStopSignal(written), planned, written);
});
