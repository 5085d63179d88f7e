// A namespace matrix as a Graphviz graph: containers on the left, the namespaces that they share on the right, the host
// below. What nobody shares stands in its container's own box. Pure.

import type { NamespaceKind } from "../../plan/plan.ts";
import { NAMESPACE_KINDS } from "../../plan/plan.ts";
import type { MatrixRow, NamespaceMatrix } from "./matrix.ts";

/** One for each kind, so that a kind looks the same in every graph. */
const COLOURS: Readonly<Record<NamespaceKind, string>> = {
  net: "#4e79a7",
  ipc: "#f28e2b",
  uts: "#59a14f",
  pid: "#e15759",
  user: "#b07aa1",
  cgroup: "#9c755f",
  time: "#76b7b2",
  mnt: "#edc948",
};

export function formatMatrixDot(matrix: NamespaceMatrix, title: string): string {
  return [
    `graph ${quote(title)} {`,
    "  rankdir=LR;",
    `  label=${quote(title)};`,
    '  fontname="sans-serif";',
    '  node [fontname="sans-serif", style="rounded,filled", fillcolor="#ffffff"];',
    '  edge [fontname="sans-serif", fontsize=10];',
    ...matrix.rows.map(makeContainerNode),
    ...makeSharedNodes(matrix),
    ...makeHostEdges(matrix),
    "}",
    "",
  ].join("\n");
}

function makeContainerNode({ name, cells }: MatrixRow): string {
  const own = NAMESPACE_KINDS.filter((kind) => cells[kind].scope === "private");
  const label = own.length === 0 ? name : `${name}\nown: ${own.join(", ")}`;
  return `  ${nodeOf(name)} [shape=box, label=${quote(label)}];`;
}

function makeSharedNodes({ rows }: NamespaceMatrix): string[] {
  return NAMESPACE_KINDS.flatMap((kind) => {
    const shared = rows.filter(({ cells }) => cells[kind].scope === "pod" || cells[kind].scope === "group");
    const ids = [...new Set(shared.map(({ cells }) => cells[kind].id))];
    return ids.flatMap((id) => {
      const node = quote(`namespace ${kind} ${id}`);
      const colour = COLOURS[kind];
      return [
        `  ${node} [shape=ellipse, label=${quote(`${kind}\n${id}`)}, color="${colour}", penwidth=2];`,
        ...shared
          .filter(({ cells }) => cells[kind].id === id)
          .map(({ name }) => `  ${nodeOf(name)} -- ${node} [color="${colour}"];`),
      ];
    });
  });
}

function makeHostEdges({ rows }: NamespaceMatrix): string[] {
  const edges = rows.flatMap(({ name, cells }) => {
    const kinds = NAMESPACE_KINDS.filter((kind) => cells[kind].scope === "host");
    return kinds.length === 0
      ? []
      : [`  ${nodeOf(name)} -- "host" [label=${quote(kinds.join(", "))}, style=dashed, color="#888888"];`];
  });
  return edges.length === 0 ? [] : ['  "host" [shape=box, fillcolor="#eeeeee"];', ...edges];
}

function nodeOf(name: string): string {
  return quote(`container ${name}`);
}

function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
