// Counts what a peapod with the root given as first word has on this machine. With `--none` anything is a failure, and
// is listed.

import { readTraces } from "../test/support/traces.ts";

const [root = "/run/peapod", flag] = process.argv.slice(2);
const traces = readTraces(root);
const count = (kind: string): number => traces.filter((trace) => trace.startsWith(`${kind} `)).length;
const kinds = { processes: "process", mounts: "mount", cgroups: "cgroup", sockets: "socket", directories: "directory" };
const counts = Object.entries(kinds).map(([name, kind]) => `${count(kind)} ${name}`);
process.stdout.write(`${counts.join(", ")}\n`);
if (flag === "--none" && traces.length > 0) {
  process.stdout.write(`${traces.join("\n")}\n`);
  process.exitCode = 1;
}
