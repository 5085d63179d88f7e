// Builders for matrix tests: containers with a few words for their namespaces; what is not named is each one's own.

import {
  forEachKind,
  type MatrixIds,
  makeMatrix,
  type NamespaceId,
  type NamespaceMatrix,
} from "../../../../src/host/matrix/matrix.ts";
import type { NamespaceKind, Plan, PlannedContainer, PlannedNamespace } from "../../../../src/plan/plan.ts";
import { NAMESPACE_KINDS } from "../../../../src/plan/plan.ts";

type Words = Partial<Record<NamespaceKind, NamespaceId | undefined>>;

/** 1 … 8: the host's ids, by kind. */
export const HOST: MatrixIds = forEachKind((kind) => NAMESPACE_KINDS.indexOf(kind) + 1);

/** Never given twice, as the kernel does not. */
let next = 4_026_000_000;

/** `host` for the host's own; unnamed kinds get ids that nobody else has. */
export function aMatrix(containers: Readonly<Record<string, Words>>, pod: Words = {}): NamespaceMatrix {
  const rows = Object.entries(containers).map(([name, words]) => ({
    name,
    ids: forEachKind((kind) => {
      next += 1;
      if (!(kind in words)) return next;
      return words[kind] === "host" ? HOST[kind] : words[kind];
    }),
  }));
  return makeMatrix(rows, HOST, pod);
}

export function scopesOf(matrix: NamespaceMatrix, kind: NamespaceKind): string[] {
  return matrix.rows.map(({ cells }) => cells[kind].letter ?? cells[kind].scope);
}

/** Kinds that are not named are private. */
export function aPlan(
  containers: Readonly<Record<string, Partial<Record<NamespaceKind, PlannedNamespace>>>>,
): Pick<Plan, "containers"> {
  return {
    containers: Object.entries(containers).map(
      ([name, words]) =>
        ({
          name,
          namespaces: forEachKind((kind) => words[kind] ?? { scope: "private" }),
        }) as unknown as PlannedContainer,
    ),
  };
}
