import t from "tap";
import { makeSize, parseSize } from "../../../../src/doors/cli/size-words.ts";

t.test("sizes are told in seven characters at most", async (t) => {
  const table: [number | null, string][] = [
    [null, "-"],
    [0, "0B"],
    [999, "999B"],
    [1000, "1.0KiB"],
    [64 << 20, "64MiB"],
    [1_000_000, "977KiB"],
    [1_073_741_823, "1.0GiB"],
    [2 ** 50, "1024TiB"],
  ];
  for (const [bytes, text] of table) t.equal(makeSize(bytes), text);
});

t.test("podman's and Kubernetes' words are understood", async (t) => {
  const table: [string, number][] = [
    ["100", 100],
    ["100b", 100],
    ["64m", 64 << 20],
    ["64M", 64 << 20],
    ["64Mi", 64 << 20],
    ["64mb", 64 << 20],
    ["64MB", 64 << 20],
    ["1.5g", 1.5 * 2 ** 30],
    ["-1", -1],
  ];
  for (const [text, bytes] of table) t.equal(parseSize("memory", text), bytes, text);
  for (const text of ["", "m", "-2", "1e3", "64q", "9999999999999999"]) {
    t.throws(() => parseSize("memory", text), { code: "BAD_USAGE", message: /^option --memory: / }, text);
  }
});
