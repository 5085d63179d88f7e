// Where two matrices differ: what is against what was planned, or one pod against another. Pure. It compares who shares
// with whom, never the numbers of two kernels' namespaces, which differ always.

import type { NamespaceKind } from "../../plan/plan.ts";
import { NAMESPACE_KINDS } from "../../plan/plan.ts";
import type { MatrixCell, NamespaceMatrix } from "./matrix.ts";

export interface CellDifference {
  readonly container: string;
  readonly kind: NamespaceKind;
  readonly left: MatrixCell;
  readonly right: MatrixCell;
}

export interface MatrixDifference {
  readonly onlyLeft: readonly string[];
  readonly onlyRight: readonly string[];
  /** Of containers that both have, in the left one's order. */
  readonly cells: readonly CellDifference[];
}

/** One namespace, not the host's, in which containers of both pods are. */
export interface CommonNamespace {
  readonly kind: NamespaceKind;
  readonly id: number;
  readonly left: readonly string[];
  readonly right: readonly string[];
}

/** What nothing can be said of (`unknown`) is no difference. */
export function diffMatrices(left: NamespaceMatrix, right: NamespaceMatrix): MatrixDifference {
  const leftNames = left.rows.map((row) => row.name);
  const rightNames = right.rows.map((row) => row.name);
  const both = new Set(leftNames.filter((name) => rightNames.includes(name)));
  const cells = left.rows.flatMap((row) => {
    const other = right.rows.find(({ name }) => name === row.name);
    if (other === undefined) return [];
    return NAMESPACE_KINDS.flatMap((kind): CellDifference[] => {
      const [one, two] = [row.cells[kind], other.cells[kind]];
      return isAlike(one, two, both) ? [] : [{ container: row.name, kind, left: one, right: two }];
    });
  });
  return {
    onlyLeft: leftNames.filter((name) => !both.has(name)),
    onlyRight: rightNames.filter((name) => !both.has(name)),
    cells,
  };
}

export function countDifferences({ onlyLeft, onlyRight, cells }: MatrixDifference): number {
  return onlyLeft.length + onlyRight.length + cells.length;
}

/** Namespaces that two pods share beside the host's: joined by path, or left over. */
export function findCommonNamespaces(left: NamespaceMatrix, right: NamespaceMatrix): CommonNamespace[] {
  const names = (matrix: NamespaceMatrix, kind: NamespaceKind, id: number) =>
    matrix.rows.filter((row) => row.cells[kind].id === id).map((row) => row.name);
  return NAMESPACE_KINDS.flatMap((kind) => {
    const cells = left.rows.map((row) => row.cells[kind]).filter((cell) => cell.scope !== "host");
    const ids = new Set(cells.map((cell) => cell.id).filter((id) => typeof id === "number"));
    return [...ids].flatMap((id) => {
      const there = names(right, kind, id);
      return there.length === 0 ? [] : [{ kind, id, left: names(left, kind, id), right: there }];
    });
  });
}

function isAlike(one: MatrixCell, two: MatrixCell, both: ReadonlySet<string>): boolean {
  if (one.scope === "unknown" || two.scope === "unknown") return true;
  if ((one.scope === "host") !== (two.scope === "host")) return false;
  if (one.scope === "host" || (one.scope === "pod" && two.scope === "pod")) return true;
  const [ones, twos] = [one, two].map((cell) =>
    cell.sharedWith
      .filter((name) => both.has(name))
      .sort()
      .join(),
  );
  return ones === twos;
}
