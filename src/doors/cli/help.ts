// The text of --help, from the grammar alone.

import { GLOBAL_OPTIONS, makeFlags, makeOptionText, makeUsage, type OptionSpec, type Verb } from "./grammar.ts";
import { VERB_GROUPS } from "./verbs.ts";

const FIRST_LINE = "peapod runs a pod of containers as one logical host.";

export function makeProgramHelp(columns: number): string {
  const groups = VERB_GROUPS.map(({ title, verbs }) => {
    const rows = verbs.map((verb): [string, string] => [[verb.name, ...verb.aliases].join(", "), verb.summary]);
    return makeSection(title, rows, columns);
  });
  const examples: [string, string][] = [
    ["peapod spec -o pod.yaml", "a manifest to begin with"],
    ["peapod run pod.yaml", "run it, watch it, stop it with Ctrl-C"],
    ["peapod run -d pod.yaml", "run it in the background"],
  ];
  return [
    FIRST_LINE,
    "Usage: peapod [options] VERB ...",
    ...groups,
    makeOptionSection("Options", makeGlobalRows(true), columns),
    makeSection("Examples", examples, columns),
    "peapod help VERB tells more. Exit statuses: 125 is peapod's own failure; see docs/exit-codes.md.",
  ]
    .map((part) => `${part.trimEnd()}\n`)
    .join("\n");
}

export function makeVerbHelp(verb: Verb, columns: number): string {
  const alias = verb.aliases.length === 0 ? [] : [`Also: peapod ${verb.aliases.join(", peapod ")}`];
  return [
    `Usage: ${makeUsage(verb)}`,
    ...alias,
    wrap(verb.about, Math.min(columns, 100)).join("\n"),
    ...(verb.options.length === 0 ? [] : [makeOptionSection("Options", verb.options.map(makeOptionRow), columns)]),
    makeOptionSection("Global options", makeGlobalRows(false), columns),
    makeSection(
      "Examples",
      verb.examples.map((example): [string, string] => [example.line, example.tells]),
      columns,
    ),
  ]
    .map((part) => `${part.trimEnd()}\n`)
    .join("\n");
}

function makeGlobalRows(withVersion: boolean): [string, string][] {
  const more: [string, string][] = [["-h, --help", "print this help"]];
  if (withVersion) more.push(["-v, --version", "print the version"]);
  return [...GLOBAL_OPTIONS.map(makeOptionRow), ...more];
}

function makeOptionRow(option: OptionSpec): [string, string] {
  return [makeFlags(option), makeOptionText(option)];
}

/** Long options stand in one column whether they have a short form or not. */
function makeOptionSection(title: string, rows: readonly [string, string][], columns: number): string {
  const aligned = rows.map(([flags, text]): [string, string] => [
    flags.startsWith("--") ? `    ${flags}` : flags,
    text,
  ]);
  return makeSection(title, aligned, columns);
}

function makeSection(title: string, rows: readonly [string, string][], columns: number): string {
  const left = Math.max(...rows.map(([name]) => name.length));
  const room = Math.max(24, Math.min(columns, 120) - left - 4);
  const lines = rows.flatMap(([name, text]) =>
    wrap(text, room).map((line, i) => `  ${(i === 0 ? name : "").padEnd(left)}  ${line}`),
  );
  return [`${title}:`, ...lines].join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}
