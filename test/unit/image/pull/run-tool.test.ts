import t from "tap";
import { findClimbing } from "../../../../src/image/pull/assert-layers.ts";
import { parseFailure } from "../../../../src/image/pull/run-tool.ts";

const ended = (stderr: string) => ({
  exitCode: 1,
  signal: undefined,
  timedOut: false,
  stdout: "",
  startError: undefined,
  stderr,
});

t.test("a tool's last words, without what it says of itself", async (t) => {
  const table: readonly [string, string, string][] = [
    [
      'time="2026-11-27T01:22:07Z" level=fatal msg="Error parsing image name \\"oci:a:b\\": no descriptor found for reference \\"b\\""',
      "NOT_FOUND",
      'no descriptor found for reference "b"',
    ],
    [
      'time=x level=fatal msg="initializing source docker://h/x:1: pinging container registry h: refused"',
      "RUNTIME_FAILED",
      "pinging container registry h: refused",
    ],
    [
      'time=x level=fatal msg="reading manifest 1 in h/x: unauthorized: authentication required"',
      "NOT_PERMITTED",
      "reading manifest 1 in h/x: unauthorized: authentication required",
    ],
    [
      "   • unpacking rootfs ...\n   ⨯ create rootfs: unpack layer: write x: no space left on device",
      "OUT_OF_RESOURCES",
      "unpack layer: write x: no space left on device",
    ],
    ["", "RUNTIME_FAILED", "skopeo ended with 1"],
  ];
  for (const [stderr, code, words] of table) t.strictSame(parseFailure("skopeo", ended(stderr)), { code, words });
});

t.test("names that climb out of a layer are found, and no others", async (t) => {
  for (const bad of ["../x", "a/../../x", "..", "a/..", "./../x", "/../x"])
    t.equal(findClimbing(`etc/\n${bad}\nusr/\n`), bad);
  for (const good of ["..x", "a/...", "a..b/c", "x\\n../y", ""])
    t.equal(findClimbing(`etc/\n${good}\n`), undefined, good);
});
