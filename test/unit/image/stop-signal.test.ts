import t from "tap";
import { parseStopSignal } from "../../../src/image/stop-signal.ts";
import { faultsOf } from "../manifest/a-pod.ts";

t.test("whatever an image calls a signal, a manifest can name it", async (t) => {
  for (const [written, name] of [
    ["SIGQUIT", "SIGQUIT"],
    ["quit", "SIGQUIT"],
    ["9", "SIGKILL"],
    ["37", "SIGRTMIN+3"],
    ["34", "SIGRTMIN"],
    ["50", "SIGRTMAX-14"],
    ["64", "SIGRTMAX"],
    ["SIGRTMIN+3", "SIGRTMIN+3"],
    ["RTMAX-2", "SIGRTMAX-2"],
    ["RTMIN", "SIGRTMIN"],
  ] as const)
    t.equal(parseStopSignal(written), name, written);
  for (const written of ["0", "32", "65", "999", "SIGNONE", "", "SIGRTMIN+99", "1e3"])
    t.equal(parseStopSignal(written), undefined, written);
});

t.test("every number of a signal becomes a name that the schema takes", async (t) => {
  for (let number = 1; number <= 64; number += 1) {
    const stopSignal = parseStopSignal(String(number));
    // What a C library keeps for itself.
    if (number === 32 || number === 33) t.equal(stopSignal, undefined);
    else {
      const container = { name: "b", image: "rootfs:c", lifecycle: { stopSignal } };
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: { containers: [container] } };
      t.same(faultsOf(JSON.stringify(pod)), [], `${number} ${stopSignal}`);
    }
  }
});
