import { symlinkSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { readDevice } from "../../../src/host/read-device.ts";

t.test("a device is its type and numbers, also behind a symlink; what is none is nothing", async (t) => {
  const link = join(t.testdir(), "link");
  symlinkSync("/dev/null", link);
  t.match(readDevice("/dev/null"), { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o666 });
  t.match(readDevice(link), { path: link, type: "c", major: 1, minor: 3 });
  for (const path of ["/dev", "/proc/self/stat", "/no/such", "/dev/null/x"]) t.equal(readDevice(path), undefined, path);
});
