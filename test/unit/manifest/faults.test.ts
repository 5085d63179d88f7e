import t from "tap";
import { PeapodError } from "../../../src/base/errors.ts";
import { badManifest, formatFaults, formatPath } from "../../../src/manifest/faults.ts";

const fault = (line: number, column: number, path = "spec", message = "is wrong") => ({
  file: "pod.yaml",
  line,
  column,
  path,
  message,
});

t.test("a pointer is written as people write paths", async (t) => {
  for (const [pointer, path] of [
    ["", ""],
    ["/spec", "spec"],
    ["/spec/containers/0/image", "spec.containers[0].image"],
    ["/metadata/labels/app.kubernetes.io~1name", 'metadata.labels["app.kubernetes.io/name"]'],
    ["/a~01", '["a~1"]'],
    ["/", '[""]'],
  ] as const) {
    t.equal(formatPath(pointer), path, pointer);
  }
});

t.test("each fault is one line", async (t) => {
  t.equal(formatFaults([fault(14, 7), fault(15, 1, "")]), "pod.yaml:14:7 spec: is wrong\npod.yaml:15:1: is wrong");
});

t.test("the error names the first fault of the file and counts the others", async (t) => {
  const error = badManifest([fault(9, 1), fault(2, 5), fault(2, 3)]);
  t.ok(error instanceof PeapodError);
  t.equal(error.code, "BAD_MANIFEST");
  t.equal(error.message, "pod.yaml:2:3 spec: is wrong (and 2 more faults)");
  t.strictSame(error.detail, [fault(2, 3), fault(2, 5), fault(9, 1)]);
  t.equal(badManifest([fault(1, 1)]).message, "pod.yaml:1:1 spec: is wrong");
  t.equal(badManifest([fault(1, 1), fault(1, 2)]).message, "pod.yaml:1:1 spec: is wrong (and 1 more fault)");
});

t.test("an alias does not tell its anchor's faults again", async (t) => {
  t.strictSame(badManifest([fault(2, 3, "a[0].x"), fault(2, 3, "a[1].x")]).detail, [fault(2, 3, "a[0].x")]);
  t.strictSame(badManifest([fault(2, 3, "a.x"), fault(2, 3, "a.y")]).detail, [fault(2, 3, "a.x"), fault(2, 3, "a.y")]);
});

t.test("a hostile number of faults is counted but not carried", async (t) => {
  const error = badManifest(Array.from({ length: 500 }, (_, index) => fault(index + 1, 1)));
  t.match(error.message, /and 499 more faults/);
  t.equal((error.detail as unknown[]).length, 100);
});
