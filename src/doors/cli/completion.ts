// Completion scripts for bash, zsh and fish, from the grammar. They ask `peapod list -q` for the names of pods.

import { GLOBAL_OPTIONS, type OptionSpec, type Verb } from "./grammar.ts";
import { findGroup, VERBS } from "./verbs.ts";

export const COMPLETION_SHELLS = ["bash", "zsh", "fish"] as const;
export type CompletionShell = (typeof COMPLETION_SHELLS)[number];

/** What may stand first on the line. */
const FIRST_WORDS = unique(VERBS.map((verb) => verb.name.split(" ")[0] ?? ""));
const GROUPS = FIRST_WORDS.filter((word) => findGroup(word).length > 0);

export function makeCompletion(shell: CompletionShell): string {
  switch (shell) {
    case "bash":
      return makeBash();
    case "zsh":
      // zsh runs bash's completion functions; one script less that can be wrong.
      return `#compdef peapod\nautoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${makeBash()}`;
    case "fish":
      return makeFish();
  }
}

function namesOf(verb: Verb): readonly string[] {
  return [verb.name, ...verb.aliases];
}

function secondWordsOf(group: string): string {
  return findGroup(group)
    .map((verb) => verb.name.slice(group.length + 1))
    .join(" ");
}

/** A verb of two words is one in a pattern of the shell's `case`, too. */
function patternsOf(verb: Verb): readonly string[] {
  return namesOf(verb).map((name) => (name.includes(" ") ? `"${name}"` : name));
}

function optionsOf(verb: Verb): readonly OptionSpec[] {
  return [...verb.options, ...GLOBAL_OPTIONS];
}

function flagsOf(option: OptionSpec): string[] {
  return [...(option.short === undefined ? [] : [`-${option.short}`]), `--${option.long}`];
}

function takesValue(option: OptionSpec): boolean {
  return option.kind !== "flag" && option.valueOptional !== true;
}

function makeBash(): string {
  const valued = unique(VERBS.flatMap((verb) => optionsOf(verb).filter(takesValue).flatMap(flagsOf)));
  // `-t` takes a value for one verb and none for another.
  const sometimes = valued.filter((flag) =>
    VERBS.some((verb) => optionsOf(verb).some((option) => !takesValue(option) && flagsOf(option).includes(flag))),
  );
  const always = valued.filter((flag) => !sometimes.includes(flag));
  const choices = VERBS.flatMap((verb) =>
    optionsOf(verb)
      .filter((option) => option.choices !== undefined)
      .map(
        (option) =>
          `    ${patternsOf(verb)
            .map((name) => `${name}:--${option.long}`)
            .join("|")}) words="${option.choices?.join(" ")}" ;;`,
      ),
  );
  const flags = VERBS.map(
    (verb) =>
      `      ${patternsOf(verb).join("|")}) words="${[...optionsOf(verb).map((o) => `--${o.long}`), "--help"].join(" ")}" ;;`,
  );
  const first = VERBS.map((verb) => {
    const kind = verb.args[0]?.kind;
    const words =
      kind === "pod"
        ? `words="$(peapod list -q 2>/dev/null)"`
        : kind === "verb"
          ? `words="${FIRST_WORDS.join(" ")}"`
          : kind === "shell"
            ? `words="${COMPLETION_SHELLS.join(" ")}"`
            : kind === "file"
              ? "files=1"
              : ":";
    return `      ${patternsOf(verb).join("|")}) ${words} ;;`;
  });
  const groups = GROUPS.map(
    (group) =>
      `    ${group}) if ((i + 1 < COMP_CWORD)); then verb="${group} \${COMP_WORDS[i+1]}"; else words="${secondWordsOf(group)}"; fi ;;`,
  );
  return `# peapod completion for bash
_peapod() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" verb="" words="" files="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${GLOBAL_OPTIONS.filter(takesValue).flatMap(flagsOf).join("|")}) ((i++)) ;;
      -*) ;;
      *) verb="\${COMP_WORDS[i]}"; break ;;
    esac
  done
  case "$verb" in
${groups.join("\n")}
  esac
  case "$verb:$before" in
${choices.join("\n")}
    *:--cgroup-driver) words="cgroupfs systemd" ;;
    *:--log-format) words="text json" ;;
    *:${always.filter((flag) => flag !== "--cgroup-driver" && flag !== "--log-format").join("|*:")}) files=1 ;;
  esac
  if [[ -z "$words$files" && -z "$verb" ]]; then
    words="${FIRST_WORDS.join(" ")} ${GLOBAL_OPTIONS.map((option) => `--${option.long}`).join(" ")} --help --version"
  elif [[ -z "$words$files" && "$word" == -* ]]; then
    case "$verb" in
${flags.join("\n")}
    esac
  elif [[ -z "$words$files" ]]; then
    case "$verb" in
${first.join("\n")}
    esac
  fi
  COMPREPLY=()
  while IFS= read -r i; do COMPREPLY+=("$i"); done < <(
    if [[ -n "$files" ]]; then compgen -f -- "$word"; else compgen -W "$words" -- "$word"; fi
  )
}
complete -o filenames -F _peapod peapod
`;
}

function makeFish(): string {
  const quote = (text: string) => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const optionWords = (option: OptionSpec): string => {
    const words = [`-l ${option.long}`];
    if (option.short !== undefined) words.unshift(`-s ${option.short}`);
    if (takesValue(option))
      words.push(option.choices === undefined ? "-r" : `-x -a ${quote(option.choices.join(" "))}`);
    return `${words.join(" ")} -d ${quote(option.summary)}`;
  };
  const lines = ["# peapod completion for fish", "complete -c peapod -f"];
  for (const option of GLOBAL_OPTIONS) lines.push(`complete -c peapod ${optionWords(option)}`);
  for (const group of GROUPS) {
    lines.push(`complete -c peapod -n __fish_use_subcommand -a ${group}`);
    const words = secondWordsOf(group);
    const asked = quote(`__fish_seen_subcommand_from ${group}; and not __fish_seen_subcommand_from ${words}`);
    lines.push(`complete -c peapod -n ${asked} -a ${quote(words)}`);
  }
  for (const verb of VERBS) {
    const [, second] = verb.name.split(" ");
    if (second === undefined) {
      lines.push(`complete -c peapod -n __fish_use_subcommand -a ${verb.name} -d ${quote(verb.summary)}`);
    } else lines.push(`# ${verb.name}`);
    const condition = verb.name.replace(" ", "; and __fish_seen_subcommand_from ");
    const seen = `-n ${quote(`__fish_seen_subcommand_from ${[condition, ...verb.aliases].join(" ")}`)}`;
    for (const option of verb.options) lines.push(`complete -c peapod ${seen} ${optionWords(option)}`);
    const kind = verb.args[0]?.kind;
    if (kind === "pod") lines.push(`complete -c peapod ${seen} -a '(peapod list -q 2>/dev/null)'`);
    if (kind === "file") lines.push(`complete -c peapod ${seen} -F`);
    if (kind === "shell") lines.push(`complete -c peapod ${seen} -a ${quote(COMPLETION_SHELLS.join(" "))}`);
    if (kind === "verb") lines.push(`complete -c peapod ${seen} -a ${quote(FIRST_WORDS.join(" "))}`);
  }
  return `${lines.join("\n")}\n`;
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}
