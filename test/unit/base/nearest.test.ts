import t from "tap";
import { editDistance, nearestName } from "../../../src/base/nearest.ts";

t.test("a slip of the pen finds the name that was meant", async (t) => {
  const names = ["name", "image", "command", "volumeMounts", "readOnlyRootFilesystem"];
  for (const [slip, meant] of [
    ["imagee", "image"],
    ["imgae", "image"],
    ["Image", "image"],
    ["comand", "command"],
    ["volumemount", "volumeMounts"],
    ["readonlyRootFileSystem", "readOnlyRootFilesystem"],
  ] as const) {
    t.equal(nearestName(slip, names), meant, slip);
  }
});

t.test("another word finds none", async (t) => {
  for (const word of ["zebra", "x", "", "a".repeat(1000)])
    t.equal(nearestName(word, ["name", "image", "ALL"]), undefined, word);
});

t.test("a prefix too much does not hide the name", async (t) => {
  t.equal(nearestName("CAP_CHOWN", ["ALL", "CHOWN", "KILL"]), "CHOWN");
});

t.test("a swap of neighbours counts as one step, as does each other change", async (t) => {
  t.equal(editDistance("abc", "abc"), 0);
  t.equal(editDistance("abc", "acb"), 1);
  t.equal(editDistance("abc", "abcd"), 1);
  t.equal(editDistance("abc", "xbc"), 1);
  t.equal(editDistance("", "abc"), 3);
});
