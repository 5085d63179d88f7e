import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import t from "tap";
import { openOutput } from "../../../../src/doors/cli/output.ts";

const main = fileURLToPath(new URL("../../../../src/doors/cli/main.ts", import.meta.url));
const source = fileURLToPath(new URL("../../../../src/doors/cli/output.ts", import.meta.url));

t.test("writes to the descriptors it was given, and a file is no terminal", async (t) => {
  const file = `${t.testdir({})}/out`;
  const fd = openSync(file, "w");
  const output = openOutput({ out: fd, err: fd }, { TERM: "xterm", COLUMNS: "33" });
  output.out("größe\n");
  output.err("2\n");
  closeSync(fd);
  t.equal(readFileSync(file, "utf8"), "größe\n2\n");
  t.notOk(output.isTerminal || output.isErrorTerminal || output.hasColors);
  t.equal(output.columns, 33);
});

t.test("a descriptor that is not there is told once and then left alone", async (t) => {
  const output = openOutput({ out: 999, err: 998 }, {});
  let told = 0;
  output.onClosed(() => {
    told += 1;
  });
  output.err("nobody reads errors");
  t.equal(told, 0);
  output.out("1");
  output.out("2");
  t.equal(told, 1);
  output.onClosed(() => {
    told += 1;
  });
  t.equal(told, 2, "who asks later is told at once");
});

t.test("a pipe that others made non-blocking, or that is slow, loses nothing", async (t) => {
  const script = `import { openOutput } from ${JSON.stringify(source)};
    process.stdout.on("error", () => {});
    const output = openOutput({ out: 1, err: 2 }, {});
    for (let i = 0; i < 20000; i += 1) output.out("line " + i + "\\n");
    process.exit(0);`;
  const { stdout } = spawnSync(
    "sh",
    ["-c", '"$0" --input-type=module-typescript -e "$1" | (sleep 0.3; cat)', process.execPath, script],
    { encoding: "utf8" },
  );
  t.equal(stdout, Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join(""));
});

t.test("the program: quiet when its reader is gone, and no stack trace for wrong usage", async (t) => {
  const gone = spawnSync("bash", ["-c", '"$0" "$1" help | true; echo "$PIPESTATUS"', process.execPath, main], {
    encoding: "utf8",
  });
  t.same([gone.stdout, gone.stderr], ["0\n", ""]);
  const wrong = spawnSync(process.execPath, [main, "strat"], { encoding: "utf8" });
  t.same(
    [wrong.status, wrong.stdout, wrong.stderr],
    [125, "", 'peapod: "strat" is not a verb of peapod\nhint: did you mean start?\n'],
  );
});
