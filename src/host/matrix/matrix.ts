// Who shares which namespace with whom: pure, from ids that were read from the kernel, or symbols that stand for what a
// plan will have. Equal ids of one kind are one namespace; all words and letters of the tables come from there.

import type { NamespaceKind, Plan, PlannedContainer } from "../../plan/plan.ts";
import { NAMESPACE_KINDS } from "../../plan/plan.ts";

/** An inode number, or in a planned matrix a name that stands for one. */
export type NamespaceId = number | string;
export type MatrixIds = Readonly<Record<NamespaceKind, NamespaceId | undefined>>;

export interface MatrixCell {
  /** `group`: some of the containers share it, not all. `unknown`: nothing can be said, its process has ended. */
  readonly scope: "host" | "pod" | "group" | "private" | "unknown";
  readonly id: NamespaceId | undefined;
  /** `group` only: A, B, C …; one letter for one set of containers, whatever kinds they share. */
  readonly letter?: string;
  /** The other containers in this namespace; with the host's too. */
  readonly sharedWith: readonly string[];
}

export interface MatrixRow {
  readonly name: string;
  readonly cells: Readonly<Record<NamespaceKind, MatrixCell>>;
}

export interface MatrixGroup {
  readonly letter: string;
  readonly members: readonly string[];
}

export interface NamespaceMatrix {
  readonly host: MatrixIds;
  readonly rows: readonly MatrixRow[];
  /** By letter. */
  readonly groups: readonly MatrixGroup[];
}

/**
 * @param rows the containers, in the order in which they are to be shown
 * @param pod ids that are pinned for the pod: with them `pod` can be told from `private` for a container alone
 */
export function makeMatrix(
  rows: readonly { readonly name: string; readonly ids: MatrixIds }[],
  host: MatrixIds,
  pod: Partial<MatrixIds> = {},
): NamespaceMatrix {
  const groups = new Map<string, MatrixGroup>();
  const letterOf = (members: readonly string[]): string => {
    const key = members.join("\n");
    const group = groups.get(key) ?? { letter: makeLetter(groups.size), members };
    groups.set(key, group);
    return group.letter;
  };
  const makeCell = (name: string, kind: NamespaceKind, id: NamespaceId | undefined): MatrixCell => {
    if (id === undefined) return { scope: "unknown", id, sharedWith: [] };
    const members = rows.filter((row) => row.ids[kind] === id).map((row) => row.name);
    const sharedWith = members.filter((member) => member !== name);
    if (id === host[kind]) return { scope: "host", id, sharedWith };
    const known = rows.filter((row) => row.ids[kind] !== undefined).length;
    if (id === pod[kind] || (members.length > 1 && members.length === known)) return { scope: "pod", id, sharedWith };
    if (members.length === 1) return { scope: "private", id, sharedWith };
    return { scope: "group", id, letter: letterOf(members), sharedWith };
  };
  const made = rows.map(({ name, ids }) => ({ name, cells: forEachKind((kind) => makeCell(name, kind, ids[kind])) }));
  return { host, rows: made, groups: [...groups.values()] };
}

/**
 * What a plan says, as a matrix whose ids are symbols.
 * @param pathIds ids of the files that `path` scopes name, and the host's: such a path may lead to the host's own
 */
export function makePlannedMatrix(
  plan: Pick<Plan, "containers">,
  pathIds: ReadonlyMap<string, number | undefined> = new Map(),
  host?: MatrixIds,
): NamespaceMatrix {
  const symbolOf = (container: PlannedContainer, kind: NamespaceKind): NamespaceId => {
    const planned = container.namespaces[kind];
    switch (planned.scope) {
      case "host":
        return "host";
      case "pod":
        return "pod";
      case "private":
        return `container ${container.name}`;
      case "container":
        return `container ${planned.container}`;
      case "path": {
        const id = pathIds.get(planned.file);
        if (id === undefined) return `path ${planned.file}`;
        return id === host?.[kind] ? "host" : id;
      }
    }
  };
  const rows = plan.containers.map((container) => ({
    name: container.name,
    ids: forEachKind((kind) => symbolOf(container, kind)),
  }));
  const all = (id: NamespaceId) => forEachKind(() => id);
  return makeMatrix(rows, all("host"), all("pod"));
}

export function forEachKind<T>(make: (kind: NamespaceKind) => T): Record<NamespaceKind, T> {
  return Object.fromEntries(NAMESPACE_KINDS.map((kind) => [kind, make(kind)])) as Record<NamespaceKind, T>;
}

/** A … Z, then A1 … */
function makeLetter(index: number): string {
  const round = Math.floor(index / 26);
  return String.fromCharCode(65 + (index % 26)) + (round === 0 ? "" : String(round));
}
