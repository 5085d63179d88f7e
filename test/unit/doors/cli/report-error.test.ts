import t from "tap";
import { PeapodError } from "../../../../src/base/errors.ts";
import { findErrorStyle, makeErrorText } from "../../../../src/doors/cli/report-error.ts";
import { badManifest } from "../../../../src/manifest/faults.ts";
import { NOW } from "../../../support/cli-world.ts";

const text = { format: "text", debug: false } as const;

t.test("a sentence and a hint", async (t) => {
  const error = new PeapodError("NOT_FOUND", "pod db: does not exist", { hint: "peapod list tells which do" });
  t.equal(makeErrorText(error, text, NOW), "peapod: pod db: does not exist\nhint: peapod list tells which do\n");
});

t.test("what a runtime or a manifest says cannot move the cursor", async (t) => {
  const error = new PeapodError("RUNTIME_FAILED", "container a: \u001b[31mred\nline\u0007");
  t.equal(makeErrorText(error, text, NOW), "peapod: container a:  [31mred line \n");
});

t.test("the faults of a manifest one a line, as editors jump to them", async (t) => {
  const detail = [
    { file: "pod.yaml", line: 7, column: 3, path: "spec.containers[0].imagee", message: "unknown field" },
    { file: "pod.yaml", line: 1, column: 1, path: "", message: "is empty" },
  ];
  const error = new PeapodError("BAD_MANIFEST", "pod.yaml: has 2 faults", { detail });
  t.equal(
    makeErrorText(error, text, NOW),
    "peapod: pod.yaml: has 2 faults\npod.yaml:7:3: spec.containers[0].imagee: unknown field\npod.yaml:1:1: is empty\n",
  );
});

t.test("a fault that the sentence tells is not told again", async (t) => {
  const fault = (line: number) => ({ file: "pod.yaml", line, column: 3, path: "spec", message: "is wrong" });
  t.equal(makeErrorText(badManifest([fault(7)]), text, NOW), "peapod: pod.yaml:7:3 spec: is wrong\n");
  t.equal(
    makeErrorText(badManifest([fault(7), fault(9)]), text, NOW),
    "peapod: pod.yaml:7:3 spec: is wrong (and 1 more fault)\npod.yaml:9:3: spec: is wrong\n",
  );
});

t.test("one JSON object a line", async (t) => {
  const error = new PeapodError("NOT_FOUND", "pod db:\ndoes not exist", { detail: [1] });
  const line = makeErrorText(error, { format: "json", debug: false }, NOW);
  t.equal(line.indexOf("\n"), line.length - 1);
  t.same(JSON.parse(line), {
    level: "error",
    msg: "pod db:\ndoes not exist",
    time: "2026-11-22T10:03:00.000Z",
    code: "NOT_FOUND",
    detail: [1],
  });
});

t.test("stack traces only for who asks", async (t) => {
  const error = new PeapodError("BUG", "no", { cause: new TypeError("deep") });
  t.notMatch(makeErrorText(error, text, NOW), /report-error\.test/);
  t.match(
    makeErrorText(error, { format: "text", debug: true }, NOW),
    /code: BUG\n(?:.*\n)*caused by TypeError: deep\n +at /,
  );
  t.notMatch(makeErrorText(error, { format: "json", debug: false }, NOW), /stack/);
  t.match(JSON.parse(makeErrorText(error, { format: "json", debug: true }, NOW)).stack, /caused by TypeError: deep/);
});

t.test("anything thrown is told as a sentence", async (t) => {
  t.match(
    makeErrorText(new TypeError("x is not a function"), text, NOW),
    /^peapod: internal error: x is not a function\nhint: this is a fault of peapod/,
  );
  t.match(makeErrorText("thrown text", text, NOW), /^peapod: internal error: thrown text\n/);
});

t.test("the style is known even where the command line is wrong", async (t) => {
  t.same(findErrorStyle(["strat", "--log-format", "json"]), { format: "json", debug: false });
  t.same(findErrorStyle(["--log-format=json", "--debug", "x"]), { format: "json", debug: true });
  t.same(findErrorStyle(["run", "x"]), text);
});
