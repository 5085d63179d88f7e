import fc from "fast-check";
import t from "tap";
import { PeapodError } from "../../../../src/base/errors.ts";
import { ACTIONS } from "../../../../src/doors/cli/actions.ts";
import { GLOBAL_OPTIONS } from "../../../../src/doors/cli/grammar.ts";
import { parseCommandLine } from "../../../../src/doors/cli/parse.ts";
import { parseCarefully } from "../../../../src/doors/cli/parse-carefully.ts";
import { parsePlainly } from "../../../../src/doors/cli/parse-plainly.ts";
import { findVerb, VERBS } from "../../../../src/doors/cli/verbs.ts";

async function parse(line: string, env: Record<string, string> = {}) {
  const parsed = await parseCommandLine(line.split(" "), env);
  if (parsed.kind !== "verb") throw new Error(`${line} is ${parsed.kind}`);
  return parsed;
}

async function refused(line: string): Promise<string> {
  try {
    await parseCommandLine(line === "" ? [] : line.split(" "), {});
  } catch (error) {
    if (error instanceof PeapodError && error.code === "BAD_USAGE") return `${error.message} (${error.hint})`;
    throw error;
  }
  return "accepted";
}

t.test("every verb has somebody who does it, and nobody does what is no verb", async (t) => {
  t.same(Object.keys(ACTIONS).sort(), VERBS.map((verb) => verb.name).sort());
  for (const verb of VERBS) t.type(await ACTIONS[verb.name]?.(), "function", verb.name);
});

t.test("names and aliases are unique", async (t) => {
  const names = VERBS.flatMap((verb) => [verb.name, ...verb.aliases]);
  t.equal(new Set(names).size, names.length);
  t.equal((await parse("rm web")).verb.name, "delete");
  t.equal((await parse("ls")).verb.name, "list");
  t.equal((await parse("unpause web")).verb.name, "resume");
});

t.test("options of one name have one letter, one kind and the same words", (t) => {
  // Where one name means different things: variables of a pod or of a command, cursors or times, and so on.
  const differs = [
    "all",
    "container",
    "detach-keys",
    "env",
    "filename",
    "format",
    "follow",
    "force",
    "interactive",
    "keep",
    "network",
    "out",
    "quiet",
    "since",
    "tty",
  ];
  const all = VERBS.flatMap(({ name, options }) => options.map((option) => ({ name, option })));
  for (const { name, option } of all) {
    const twin = all.find((other) => other.option.long === option.long);
    if (twin === undefined) continue;
    const where = `--${option.long} of ${twin.name} and of ${name}`;
    t.equal(option.short, twin.option.short, where);
    if (!differs.includes(option.long)) t.same(option, twin.option, where);
  }
  t.end();
});

t.test("every verb that is about containers takes -c NAME", (t) => {
  for (const { name, args, options } of VERBS) {
    const option = options.find(({ long }) => long === "container");
    if (args.some((arg) => arg.name === "CONTAINER")) t.ok(option, name);
    if (option !== undefined) t.match(option, { short: "c", kind: /^(text|list)$/, value: "NAME" }, name);
  }
  t.end();
});

t.test("a verb may have two words", async (t) => {
  for (const line of ["image build pod.yaml -t shop", "--root /r image build -t shop pod.yaml"]) {
    const parsed = await parse(line);
    t.equal(parsed.verb.name, "image build", line);
    t.same(parsed.args, ["pod.yaml"], line);
    t.equal(parsed.options.text("tag"), "shop", line);
  }
  t.equal((await parse("image build pod.yaml", { PEAPOD_BUILDER: "docker" })).options.text("builder"), "docker");
  t.match(await parseCommandLine(["image", "build", "-h"], {}), { kind: "help", verb: { name: "image build" } });
  t.same(await parseCommandLine(["image", "--help"], {}), { kind: "help", verb: undefined });
  t.same(
    await refused("image"),
    "image: its second word is missing (there is image build, image list, image pull, image inspect, image rm, image prune, image du)",
  );
  t.same(
    await refused("image -t shop build"),
    "image: its second word is missing (there is image build, image list, image pull, image inspect, image rm, image prune, image du)",
  );
  t.same(
    await refused("image bild x"),
    '"image bild" is not a verb of peapod (there is image build, image list, image pull, image inspect, image rm, image prune, image du)',
  );
  t.same(await refused("imag build"), '"imag" is not a verb of peapod (did you mean image?)');
  t.same(await refused("build x"), '"build" is not a verb of peapod (did you mean image build?)');
  t.same(await refused("image build"), "image build: FILE is missing (usage: peapod image build [options] FILE)");
});

t.test("global options may stand anywhere", async (t) => {
  for (const line of ["--root /r state web", "state --root /r web", "state web --root=/r", "--root=/r state web"]) {
    const parsed = await parse(line);
    t.equal(parsed.options.text("root"), "/r", line);
    t.same(parsed.args, ["web"], line);
  }
});

t.test("what the command line says outranks the environment, and that the default", async (t) => {
  t.equal((await parse("list")).options.text("root"), "/run/peapod");
  t.equal((await parse("list", { PEAPOD_ROOT: "/env" })).options.text("root"), "/env");
  t.equal((await parse("list --root /line", { PEAPOD_ROOT: "/env" })).options.text("root"), "/line");
  t.equal((await parse("list", { PEAPOD_RUNTIME: "crun" })).options.text("runtime"), "crun");
  t.equal((await parse("list", { PEAPOD_RUNTIME: "" })).options.text("runtime"), "runc");
});

t.test("exec leaves the command alone", async (t) => {
  const table: [line: string, args: string[], container: string | undefined][] = [
    ["exec web ls -l --root /x", ["web", "ls", "-l", "--root", "/x"], undefined],
    ["exec web -c server -- env -i sh", ["web", "env", "-i", "sh"], "server"],
    ["exec -c server web env -i sh", ["web", "env", "-i", "sh"], "server"],
    ["exec -itc server web sh", ["web", "sh"], "server"],
    ["exec --root /r web -- ls -- -h", ["web", "ls", "--", "-h"], undefined],
    ["exec web ls --help", ["web", "ls", "--help"], undefined],
    ["exec -eA=1 -e B=2 web env", ["web", "env"], undefined],
    ["exec web -t sh -c exit", ["web", "sh", "-c", "exit"], undefined],
  ];
  for (const [line, args, container] of table) {
    const parsed = await parse(line);
    t.same(parsed.args, args, line);
    t.equal(parsed.options.text("container"), container, line);
  }
  t.same((await parse("exec -eA=1 -e B=2 web env")).options.list("env"), ["A=1", "B=2"]);
  t.ok((await parse("exec -it web sh")).options.flag("tty"));
});

t.test("an option with an optional value", async (t) => {
  t.notOk((await parse("ns web")).options.has("diff"));
  t.ok((await parse("ns web --diff")).options.has("diff"));
  t.equal((await parse("ns web --diff")).options.text("diff"), undefined);
  t.equal((await parse("ns web --diff db")).options.text("diff"), "db");
});

t.test("values are checked and turned into what they mean", async (t) => {
  t.equal((await parse("stop -t 1.5 web")).options.number("time"), 1.5);
  t.equal((await parse("stop -t 2m web")).options.number("time"), 120);
  t.equal((await parse("update --cpu-shares 10 web")).options.number("cpu-shares"), 10);
  t.equal((await parse("update --cpu-shares 0 web")).options.number("cpu-shares"), 0);
  t.match(await refused("stop -t soon web"), /option --time: "soon" is not a time in seconds/);
  t.match(await refused("update --cpu-shares -1 web"), /option --cpu-shares: "-1" is not a whole number/);
  t.match(await refused("list --format xml"), /option --format: "xml" is not one of table, wide, json/);
  t.match(await refused("list --cgroup-driver docker"), /not one of cgroupfs, systemd/);
  t.match(await refused("list --root="), /option --root: "" is not a value/);
});

t.test("asking for an option that a verb does not have is a bug, not an answer", async (t) => {
  const { options } = await parse("list");
  t.throws(() => options.flag("force"), { code: "BUG" });
  t.throws(() => options.text("quiet"), { code: "BUG" });
});

t.test("wrong usage is one sentence with a hint", async (t) => {
  t.same(await refused("strat web"), '"strat" is not a verb of peapod (did you mean start?)');
  t.same(await refused("xyzzy"), '"xyzzy" is not a verb of peapod (peapod help lists the verbs)');
  t.same(await refused("run --detatch x"), "run: there is no option --detatch (did you mean --detach?)");
  t.same(await refused("--rot x list"), "there is no option --rot (did you mean --root?)");
  t.same(await refused("list -z"), "list: there is no option -z (see peapod help list)");
  t.same(await refused("run"), "run: FILE is missing (usage: peapod run [options] FILE)");
  t.same(await refused("exec web"), "exec: COMMAND is missing (usage: peapod exec [options] POD COMMAND...)");
  t.same(await refused("state a b"), "state: there is one argument too many: b (usage: peapod state [options] POD)");
  t.same(await refused("kill web -s"), "kill: option -s, --signal needs a value (see peapod help kill)");
});

t.test("help and version are found wherever they stand", async (t) => {
  t.same(await parseCommandLine(["--help"], {}), { kind: "help", verb: undefined });
  t.match(await parseCommandLine(["run", "--help"], {}), { kind: "help", verb: { name: "run" } });
  t.match(await parseCommandLine(["--root", "/x", "stop", "web", "-h"], {}), { kind: "help", verb: { name: "stop" } });
  t.same(await parseCommandLine(["-v"], {}), { kind: "version" });
  t.same(await parseCommandLine([], {}), { kind: "nothing" });
});

t.test("a line that is read plainly means what commander takes it to mean", async (t) => {
  let plain = 0;
  const words = VERBS.map((verb) =>
    [verb.options, GLOBAL_OPTIONS].flat().flatMap((option) => [`--${option.long}`, `-${option.short}`]),
  );
  const line = fc.nat(VERBS.length - 1).chain((i) => {
    const token = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...(words[i] ?? []), "--") },
      { weight: 4, arbitrary: fc.constantFrom("web", "10", "-", "", "a=b") },
      { weight: 1, arbitrary: fc.constantFrom(...(words[i] ?? [])).map((word) => `${word}=x`) },
      { weight: 1, arbitrary: fc.constantFrom("-it", "-z", "--", "--none", "-", "-1") },
    );
    return fc.tuple(fc.constant(VERBS[i]), fc.array(token, { maxLength: 6 }));
  });
  fc.assert(
    fc.property(line, ([verb, tokens]) => {
      const read = parsePlainly(tokens, verb);
      if (read === undefined) return;
      plain += 1;
      const careful = parseCarefully(tokens, verb);
      t.strictSame(read.args, careful.args, tokens.join(" "));
      t.strictSame(read.raw, JSON.parse(JSON.stringify(careful.raw)), tokens.join(" "));
    }),
    { numRuns: 2000 },
  );
  t.ok(plain > 200, `${plain} lines were plain`);
});

t.test("the lines that must be fast are plain", async (t) => {
  for (const line of ["-d pod.yaml", "--root /r --runtime=crun --detach pod.yaml", "pod.yaml --name web -d"]) {
    t.ok(parsePlainly(line.split(" "), findVerb("run")), line);
  }
});
