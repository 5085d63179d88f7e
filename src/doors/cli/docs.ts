// docs/cli.md, from the grammar. scripts/generate-docs.ts writes it, a test compares.

import { GLOBAL_OPTIONS, makeFlags, makeOptionText, makeUsage, type OptionSpec, type Verb } from "./grammar.ts";
import { VERB_GROUPS } from "./verbs.ts";

const OPENING = `# The command line

<!-- Made by \`node scripts/generate-docs.ts\` from src/doors/cli; changes made here are lost. -->

\`peapod VERB\`: whoever knows runc or podman knows most of it. Options may stand before, between and after a verb's
arguments, global ones also before the verb. A pod is called by its name (\`metadata.name\` of its manifest, or \`--name\`).

A container is named by \`-c NAME\`, with every verb that is about containers, and again where there may be several. \`attach\`,
\`logs\` and \`update\` also take it after the pod, as those used to kubectl and podman write it.

Where an option takes SECONDS, that is a number (\`10\`, \`1.5\`) or a duration: \`500ms\`, \`90s\`, \`2m\`, \`1h30m\`.

What a verb has to say comes on standard output; errors, hints and what containers write to their stderr come on
standard error. Verbs that change something are silent when they succeed; \`create\` and \`run -d\` print the pod's name,
\`image build\` the image's.
Exit statuses are in [exit-codes.md](exit-codes.md).

With \`--log-format json\` an error is one JSON object on one line: \`level\`, \`msg\`, \`time\` as runc has them, and \`code\`,
where there is one \`hint\`, and \`detail\` (for a manifest an array of all its faults with \`file\`, \`line\`, \`column\`, \`path\`
and \`message\`).
`;

const SHAPES = `## JSON

Times are RFC 3339 in UTC. A key is always there; what is not known is \`null\`. New keys may come, none goes away.

\`state\`, and \`list\` as an array of them:

| key | value |
| --- | --- |
| \`pod\` | name |
| \`status\` | \`creating\`, \`created\`, \`initializing\`, \`running\`, \`paused\`, \`checkpointed\`, \`stopping\`, \`exited\`, \`deleting\` or \`failed\` |
| \`readyCount\`, \`readyTotal\` | how many of its main containers and sidecars are ready, and how many there are: \`READY\` of the table |
| \`restartCount\` | how often they were started again; while it is \`initializing\` init containers count, too |
| \`phase\`, \`reason\`, \`conditions\` | as Kubernetes has them |
| \`want\` | what it was last asked to be: \`created\`, \`running\`, \`stopped\`, \`restarted\` or \`deleted\` |
| \`createdAt\`, \`startedAt\`, \`exitedAt\` | times |
| \`restartedAt\`, \`changedAt\` | when it was last brought up anew by \`restart\`, and last changed by \`update -f\` |
| \`exitStatus\` | its result once all containers ended: 0, or the first other one in the manifest's order |
| \`degraded\` | why exits may be lost: the pod's reaper died |
| \`error\` | why it failed: \`code\`, \`message\`, \`hint\`, \`detail\` |
| \`resources\` | limits of the pod itself that \`update\` changed, else \`null\` |
| \`podIP\`, \`podIPs\` | the pod's address, and one of each family; \`null\` and empty where it has none of its own |
| \`networks\` | what it is attached to: \`name\`, \`interface\`, \`mac\`, \`ips\` (\`address\`, \`prefix\`, \`gateway\`) |
| \`cursor\` | number of the last event in it, for \`events --since\` |
| \`containers\` | in the manifest's order, as below |

Each of \`containers\`:

| key | value |
| --- | --- |
| \`name\` | name; \`_pause\` is the first process of a shared pid namespace |
| \`role\` | \`init\`, \`sidecar\`, \`main\` or \`pause\` |
| \`image\`, \`imageId\` | the image as the manifest names it, and which one that was, by digest |
| \`status\` | \`planned\`, \`creating\`, \`created\`, \`running\`, \`checkpointed\`, \`exited\` or \`deleted\` |
| \`started\`, \`ready\` | whether it is, as [lifecycle.md](lifecycle.md#the-way-up) has the words |
| \`restartCount\` | how often it was started again |
| \`reason\` | of its end: \`Completed\`, \`Error\`, \`OOMKilled\`, \`StartError\` or \`Lost\` |
| \`message\` | why it is not ready, is being ended, or could not be started |
| \`backOffUntil\` | when it will be started again, where it waits for that |
| \`pid\`, \`createdAt\`, \`startedAt\` | of the attempt at hand |
| \`exit\`, \`exitStatus\` | how that one ended |
| \`lastState\` | the attempt before: \`startedAt\`, \`exit\`, \`exitStatus\`, \`reason\`, \`message\` |
| \`resources\` | limits that \`update\` changed, else \`null\` |
| \`logBlocked\` | why its log cannot be written at the moment |

\`exit\` is \`{"kind": "exited", "code": 7, "time": …}\`, \`{"kind": "killed", "signal": 9, "time": …}\` or
\`{"kind": "lost", "time": …}\`; \`exitStatus\` beside it is what a shell would show: 7, 137, \`null\`.

\`ps\`: an array of \`container\`, \`pid\`, \`parentPid\`, \`uid\`, \`memoryBytes\`, \`startedAt\`, \`command\`.
\`events\`: one object a line: \`seq\`, \`time\`, \`pod\`, \`type\`, and what belongs to that type.
\`inspect\`: \`state\`, \`manifest\`, \`plan\`. \`doctor\`: \`problems\` (sentences), \`objects\` and \`fixed\`, arrays of \`kind\`, \`name\`, \`owner\` (absent where
nobody owns it), \`detail\`, \`orphan\`. \`verify\`: \`violations\`, \`events\`. \`volume list\` and \`volume inspect\`: an array of
\`name\`, \`path\`, \`createdAt\`, \`createdBy\`, \`usedBy\`. \`bundle\`: an array of \`container\`, \`dir\`; with
\`--explain\` of \`container\`, \`part\`, \`source\`, \`where\`.
`;

export function makeCliDocs(): string {
  const contents = VERB_GROUPS.map(({ title, verbs }) => {
    const rows = verbs.map((verb) => `- [\`${verb.name}\`](#${anchorOf(verb)}): ${verb.summary}`);
    return `**${title}**\n\n${rows.join("\n")}\n`;
  });
  const verbs = VERB_GROUPS.flatMap((group) => group.verbs).map(makeVerbDocs);
  const globals = `## Global options\n\n${makeOptionTable(GLOBAL_OPTIONS)}`;
  return [OPENING, ...contents, globals, ...verbs, SHAPES].join("\n");
}

function anchorOf(verb: Verb): string {
  return `peapod-${verb.name.replaceAll(" ", "-")}`;
}

function makeVerbDocs(verb: Verb): string {
  const parts = [`## peapod ${verb.name}`, `\`${makeUsage(verb)}\``];
  if (verb.aliases.length > 0) parts.push(`Also: ${verb.aliases.map((alias) => `\`peapod ${alias}\``).join(", ")}.`);
  parts.push(escapeMarkdown(verb.about));
  if (verb.options.length > 0) parts.push(makeOptionTable(verb.options).trimEnd());
  const width = Math.max(...verb.examples.map((example) => example.line.length));
  const lines = verb.examples.map((example) => `${example.line.padEnd(width)}  # ${example.tells}`);
  parts.push(`\`\`\`sh\n${lines.join("\n")}\n\`\`\``);
  return `${parts.join("\n\n")}\n`;
}

function makeOptionTable(options: readonly OptionSpec[]): string {
  const rows = options.map((option) => `| \`${makeFlags(option)}\` | ${escapeMarkdown(makeOptionText(option))} |`);
  return `| option | |\n| --- | --- |\n${rows.join("\n")}\n`;
}

/** Markdown would take these for its own. */
function escapeMarkdown(text: string): string {
  return text.replace(/[|<>*_]/g, "\\$&");
}
