import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import t from "tap";

const BELL = join(import.meta.dirname, "../../../src/exits/bell.ts");
const LISTENER = `
  const { watchBell } = await import(${JSON.stringify(BELL)});
  console.log("listening");
  const bell = watchBell(4, () => console.log("ring"), () => console.log("end"));
  if (process.argv[1] === "close") bell.close();
`;

t.test("it tells each ring and at last, once, the end", async (test) => {
  // As the reaper starts the supervisor: with the read end of a pipe.
  const script = `exec 4<&0 </dev/null; exec "$0" --input-type=module -e "$1"`;
  const child = spawn("sh", ["-c", script, process.execPath, LISTENER], { stdio: ["pipe", "pipe", "inherit"] });
  const lines: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => lines.push(...text.trim().split("\n")));
  const until = async (count: number) => {
    while (lines.length < count) await once(child.stdout, "data");
  };
  await until(1);
  child.stdin.write("!");
  await until(2);
  child.stdin.write("!!!");
  await until(3);
  child.stdin.end();
  await once(child, "close");
  test.strictSame([lines[0], lines[1], lines[2], lines.at(-1)], ["listening", "ring", "ring", "end"]);
  test.equal(lines.filter((line) => line === "end").length, 1);
});

t.test("once closed it tells nothing more and keeps nobody awake", async (test) => {
  const script = `mkfifo "$2"; exec 4<>"$2"; exec "$0" --input-type=module -e "$1" close`;
  const fifo = join(test.testdir({}), "bell");
  const result = spawnSync("sh", ["-c", script, process.execPath, LISTENER, fifo], { encoding: "utf8" });
  test.equal(result.stdout, "listening\n");
  test.equal(result.status, 0);
});
