// The namespace matrix as the kernel has it, against the plan or another pod where asked. Reads /proc and the pins; who
// shares what is worked out in the host room.

import type { PodName } from "../../base/names.ts";
import { type MatrixIds, makeMatrix, makePlannedMatrix, type NamespaceMatrix } from "../../host/matrix/matrix.ts";
import { countDifferences, diffMatrices, findCommonNamespaces } from "../../host/matrix/matrix-diff.ts";
import { formatMatrixDot } from "../../host/matrix/matrix-dot.ts";
import { formatCommon, formatDifference, formatMatrix } from "../../host/matrix/matrix-format.ts";
import { readNamespaceIds, readPinnedId } from "../../host/namespace-ids.ts";
import { isSameProcess } from "../../host/processes.ts";
import { NAMESPACE_KINDS, type Plan } from "../../plan/plan.ts";
import type { NamespaceReport, NamespaceRequest } from "../engine.ts";
import { readPlan, readPodState } from "./reader.ts";

export function readPodNamespaces(root: string, request: NamespaceRequest): NamespaceReport {
  const { pod, format, against } = request;
  const actual = readMatrix(root, pod);
  if (against === undefined) return { text: formatAlone(pod, actual, format), differences: 0 };
  const other = "pod" in against ? readMatrix(root, against.pod) : readPlanned(readPlan(root, pod));
  const difference = diffMatrices(actual, other);
  const common = "pod" in against ? findCommonNamespaces(actual, other) : [];
  const name = "pod" in against ? against.pod : "the plan";
  const differences = countDifferences(difference);
  if (format === "json") return { text: asJson({ ...difference, common }), differences };
  const text = formatDifference(difference, pod, name) + formatCommon(common, pod, name);
  return { text: text === "" ? `no difference between ${pod} and ${name}\n` : text, differences };
}

function formatAlone(pod: PodName, matrix: NamespaceMatrix, format: NamespaceRequest["format"]): string {
  switch (format) {
    case "table":
      return formatMatrix(matrix);
    case "json":
      return asJson({ pod, ...matrix });
    case "dot":
      return formatMatrixDot(matrix, pod);
  }
}

function readMatrix(root: string, pod: PodName): NamespaceMatrix {
  const plan = readPlan(root, pod);
  const { containers } = readPodState(root, pod);
  const rows = containers.map(({ name, pid, startTime }) => {
    const lives = pid !== undefined && isSameProcess(pid, startTime ?? 0);
    return { name, ids: lives ? readNamespaceIds(pid) : NOTHING };
  });
  return makeMatrix(rows, readNamespaceIds("self"), readPodIds(plan));
}

/** Those that are pinned for the whole pod. */
function readPodIds(plan: Plan): Partial<MatrixIds> {
  const pins = plan.sandbox.namespaces.filter((pin) => pin.owner === "pod");
  return Object.fromEntries(pins.map((pin) => [pin.kind, readPinnedId(pin.file)]));
}

function readPlanned(plan: Plan): NamespaceMatrix {
  const files = plan.containers.flatMap((container) =>
    NAMESPACE_KINDS.flatMap((kind) => {
      const namespace = container.namespaces[kind];
      return namespace.scope === "path" ? [namespace.file] : [];
    }),
  );
  return makePlannedMatrix(plan, new Map(files.map((file) => [file, readPinnedId(file)])), readNamespaceIds("self"));
}

const NOTHING = Object.fromEntries(NAMESPACE_KINDS.map((kind) => [kind, undefined])) as MatrixIds;

function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
