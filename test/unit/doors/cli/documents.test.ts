import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import t from "tap";
import { ERROR_CODES } from "../../../../src/base/errors.ts";
import { COMPLETION_SHELLS, makeCompletion } from "../../../../src/doors/cli/completion.ts";
import { makeCliDocs } from "../../../../src/doors/cli/docs.ts";
import { EXIT, STATUS_OF, statusOfSignal } from "../../../../src/doors/cli/exit-codes.ts";
import { GLOBAL_OPTIONS, makeFlags } from "../../../../src/doors/cli/grammar.ts";
import { makeProgramHelp, makeVerbHelp } from "../../../../src/doors/cli/help.ts";
import { parseCommandLine } from "../../../../src/doors/cli/parse.ts";
import { makePodJson } from "../../../../src/doors/cli/pod-words.ts";
import { VERBS } from "../../../../src/doors/cli/verbs.ts";
import { VERSION } from "../../../../src/doors/cli/version.ts";
import { aPod, runLine } from "../../../support/cli-world.ts";

function readText(path: string): string {
  return readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");
}

t.test("every verb has two or three examples, and each of them is accepted", async (t) => {
  for (const verb of VERBS) {
    t.ok(verb.examples.length >= 2 && verb.examples.length <= 3, verb.name);
    for (const { line } of verb.examples) {
      const words = /peapod ([^|<>()]*[^|<>() ])/.exec(line)?.[1]?.split(" ") ?? [];
      t.equal((await parseCommandLine(words, {})).kind, "verb", line);
    }
  }
});

t.test("help names every option with its meaning and fits the terminal", async (t) => {
  for (const verb of VERBS) {
    const text = makeVerbHelp(verb, 100);
    for (const option of [...verb.options, ...GLOBAL_OPTIONS])
      t.ok(text.includes(makeFlags(option)), `${verb.name} --${option.long}`);
    t.same(
      text.split("\n").filter((line) => line.length > 100),
      [],
      verb.name,
    );
  }
  const program = makeProgramHelp(100);
  for (const verb of VERBS) t.ok(program.includes(verb.summary), verb.name);
});

t.test("--help, help VERB and no verb at all", async (t) => {
  const help = await runLine("run --help");
  t.match(help, { status: 0, out: /^Usage: peapod run \[options\] FILE\n/, err: "" });
  t.same(await runLine("help run"), help);
  t.equal((await runLine("help rm")).out, (await runLine("delete -h")).out);
  t.equal((await runLine("help image build")).out, (await runLine("image build -h")).out);
  t.match(await runLine("help rn"), { status: 125, err: /did you mean/ });
  const program = await runLine("--help");
  t.same(await runLine("help"), program);
  t.same(await runLine(""), { status: 125, out: "", err: program.out });
});

t.test("the version is the package's", async (t) => {
  t.equal(VERSION, JSON.parse(readText("package.json")).version);
  t.same(await runLine("--version"), { status: 0, out: `peapod version ${VERSION}\n`, err: "" });
});

t.test("docs/cli.md is what the grammar makes (node scripts/generate-docs.ts writes it)", async (t) => {
  t.equal(readText("docs/cli.md"), makeCliDocs());
});

t.test("docs/exit-codes.md has each status and each code, and no other", async (t) => {
  const text = readText("docs/exit-codes.md");
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)].map(([, code, status]) => [code, Number(status)]);
  t.same(
    rows,
    ERROR_CODES.map((code) => [code, STATUS_OF[code]]),
  );
  const statuses = [...text.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, list]) => list?.split(", ").map(Number) ?? []);
  const signals = (["SIGHUP", "SIGINT", "SIGPIPE", "SIGTERM"] as const).map(statusOfSignal);
  t.same(
    statuses.sort((a, b) => a - b),
    [...new Set([...Object.values(EXIT), ...signals])].sort((a, b) => a - b),
  );
});

t.test("completion scripts parse and know every verb and option", async (t) => {
  for (const shell of COMPLETION_SHELLS) {
    const { status, out } = await runLine(`completion ${shell}`);
    t.equal(status, 0);
    t.equal(out, makeCompletion(shell));
    for (const verb of VERBS) {
      t.ok(out.includes(verb.name), `${shell} ${verb.name}`);
      for (const option of verb.options)
        t.ok(out.includes(shell === "fish" ? `-l ${option.long}` : `--${option.long}`), option.long);
    }
  }
  execFileSync("bash", ["-n"], { input: makeCompletion("bash"), stdio: ["pipe", "inherit", "inherit"] });
  t.match(await runLine("completion ksh"), { status: 125, err: /hint: it is there for bash, zsh, fish/ });
});

t.test("bash completes verbs, options, values and pods", async (t) => {
  const complete = (...words: string[]) => {
    const script = `peapod() { printf 'web\\ndb\\n'; }
${makeCompletion("bash")}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _peapod; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["--norc", "-c", script], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line !== "");
  };
  t.same(complete("peapod", "ver"), ["verify"]);
  t.same(complete("peapod", "stop", ""), ["web", "db"]);
  t.same(complete("peapod", "--root", "/r", "stop", "w"), ["web"]);
  t.same(complete("peapod", "delete", "--fo"), ["--force"]);
  t.same(complete("peapod", "ns", "web", "--format", ""), ["table", "json", "dot"]);
  t.same(complete("peapod", "state", "web", "--format", "t"), ["table"]);
  t.same(complete("peapod", "list", "--log-format", ""), ["text", "json"]);
  t.same(complete("peapod", "completion", "f"), ["fish"]);
  t.same(complete("peapod", "im"), ["image"]);
  t.same(complete("peapod", "--root", "/r", "image", ""), ["build", "list", "pull", "inspect", "rm", "prune", "du"]);
  t.same(complete("peapod", "image", "build", "--bu"), ["--builder"]);
});

t.test("docs/cli.md has every key of a state", (t) => {
  const [, shapes = ""] = makeCliDocs().split("## JSON");
  const pod = makePodJson(aPod());
  for (const key of [...Object.keys(pod), ...Object.keys(pod.containers[0] ?? {})])
    t.match(shapes, new RegExp(`^\\|.*\`${key}\`.*\\| `, "m"), key);
  t.end();
});
