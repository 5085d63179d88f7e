// What a verb of the command line is, as data. Parsing, help, docs/cli.md and completion all come from it.

/** `seconds` takes 10, 1.5, 90s or 2m and gives seconds. */
export type OptionKind = "flag" | "text" | "list" | "number" | "seconds" | "choice";

export interface OptionSpec {
  /** Without dashes; the name under which an action asks for it. */
  readonly long: string;
  readonly short?: string;
  readonly kind: OptionKind;
  /** How help calls its value: `DIR`. */
  readonly value?: string;
  readonly choices?: readonly string[];
  /** The value may be left out: `--diff`, `--diff OTHER`. */
  readonly valueOptional?: boolean;
  /** An empty value means something: none. */
  readonly mayBeEmpty?: boolean;
  readonly summary: string;
  readonly fallback?: string;
  readonly env?: string;
}

export interface ArgumentSpec {
  readonly name: string;
  readonly kind: "pod" | "file" | "text" | "verb" | "shell";
  readonly required: boolean;
  readonly many: boolean;
}

export interface Example {
  readonly line: string;
  readonly tells: string;
}

export interface Verb {
  /** One word, or two: `image build`. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** One line, lower case, no full stop. */
  readonly summary: string;
  /** Sentences for help and docs, beyond the summary. */
  readonly about: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** Everything from the second positional on is somebody else's command line. */
  readonly takesCommand: boolean;
  readonly examples: readonly Example[];
}

export const POD: ArgumentSpec = { name: "POD", kind: "pod", required: true, many: false };
export const PODS: ArgumentSpec = { name: "POD", kind: "pod", required: true, many: true };
export const FILE: ArgumentSpec = { name: "FILE", kind: "file", required: true, many: false };

/** How every verb that is about containers is told which; some take them after the pod as well, for those used to that. */
export const CONTAINERS: OptionSpec = {
  long: "container",
  short: "c",
  kind: "list",
  value: "NAME",
  summary: "only this container",
};
/** The same for a verb that is about one. */
export const CONTAINER: OptionSpec = { ...CONTAINERS, kind: "text", summary: "which container" };

/** The same for verbs that write a file. */
export const OUT_FILE: OptionSpec = {
  long: "out",
  short: "o",
  kind: "text",
  value: "FILE",
  summary: "write it to FILE, which must not exist",
};

export function formatOption(formats: readonly string[], fallback: string, summary = "how to print it"): OptionSpec {
  return { long: "format", kind: "choice", value: "FORMAT", choices: formats, fallback, summary };
}

export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  {
    long: "root",
    kind: "text",
    value: "DIR",
    fallback: "/run/peapod",
    env: "PEAPOD_ROOT",
    summary: "where pods keep their state",
  },
  {
    long: "runtime",
    kind: "text",
    value: "NAME",
    fallback: "runc",
    env: "PEAPOD_RUNTIME",
    summary: "OCI runtime: runc, crun or a path",
  },
  {
    long: "cgroup-driver",
    kind: "choice",
    value: "DRIVER",
    choices: ["cgroupfs", "systemd"],
    fallback: "cgroupfs",
    env: "PEAPOD_CGROUP_DRIVER",
    summary: "who makes cgroups",
  },
  {
    long: "log-format",
    kind: "choice",
    value: "FORMAT",
    choices: ["text", "json"],
    fallback: "text",
    summary: "how peapod's own errors are printed on stderr",
  },
  { long: "debug", kind: "flag", summary: "add stack traces to errors" },
];

/** `-o, --out DIR` as help and documents print it. */
export function makeFlags(option: OptionSpec): string {
  const short = option.short === undefined ? "" : `-${option.short}, `;
  const word = option.valueOptional ? `[${option.value}]` : option.value;
  return `${short}--${option.long}${option.kind === "flag" ? "" : ` ${word}`}`;
}

/** `peapod kill [options] POD [SIGNAL]`. */
export function makeUsage(verb: Verb): string {
  const args = verb.args.map((arg) => {
    const word = arg.many ? `${arg.name}...` : arg.name;
    return arg.required ? word : `[${word}]`;
  });
  return ["peapod", verb.name, "[options]", ...args].join(" ");
}

/** What help says of an option besides its flags: summary, choices, default, environment. */
export function makeOptionText(option: OptionSpec): string {
  const notes: string[] = [];
  if (option.choices !== undefined) notes.push(option.choices.join(", "));
  if (option.fallback !== undefined) notes.push(`default: ${option.fallback}`);
  if (option.env !== undefined) notes.push(`or $${option.env}`);
  if (option.kind === "list") notes.push("may be repeated");
  return notes.length === 0 ? option.summary : `${option.summary} (${notes.join("; ")})`;
}
