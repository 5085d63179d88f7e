import t from "tap";
import type { CallResult } from "../../../src/base/call.ts";
import { makeToolError } from "../../../src/host/tool-error.ts";

function aResult(more: Partial<CallResult>): CallResult {
  return { exitCode: 1, signal: undefined, timedOut: false, stdout: "", stderr: "", startError: undefined, ...more };
}

const TABLE = [
  [{ startError: "ENOENT", exitCode: undefined }, "HOST_LACKS", "namespaces: unshare is missing"],
  [{ startError: "EACCES", exitCode: undefined }, "HOST_LACKS", /cannot be run \(EACCES\)/],
  [{ timedOut: true, exitCode: undefined }, "TIMED_OUT", /took too long/],
  [{ stderr: "unshare: unshare failed: No space left on device\n" }, "OUT_OF_RESOURCES", /No space left on device$/],
  [{ stderr: "unshare: unshare failed: Operation not permitted\n" }, "NOT_PERMITTED", /not permitted$/],
  [
    { stderr: "first\nunshare: unshare failed: Invalid argument\n" },
    "HOST_LACKS",
    "namespaces: unshare: unshare failed: Invalid argument",
  ],
  [{ exitCode: 3 }, "HOST_LACKS", "namespaces: unshare ended with 3"],
] as const;

for (const [result, code, message] of TABLE) {
  t.test(`${JSON.stringify(result)} is ${code}`, async (t) => {
    t.match(makeToolError("namespaces", "unshare", "util-linux", aResult(result)), { code, message });
  });
}
