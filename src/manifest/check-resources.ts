// Kubernetes' rules for requests and limits: of one container, and of a pod that has its own beside its containers'.
// Takes any value; a part of the wrong type is passed over.

import type { Amount, AmountKind } from "./amounts.ts";
import { parseBytes, parseCpuMilli } from "./amounts.ts";
import { mostAtOnce } from "./at-once.ts";
import { HUGEPAGE_BYTES } from "./hugepages.ts";

type Fields = Readonly<Record<string, unknown>>;
type Report = (pointer: string, message: string) => void;

const HUGEPAGES = Object.entries(HUGEPAGE_BYTES).map(([size, bytes]) => ({ name: `hugepages-${size}`, bytes }));
const NAMES = ["cpu", "memory", ...HUGEPAGES.map(({ name }) => name)];

/** The amounts of one `resources`, by name; what is at fault is not in it. */
interface Amounts {
  readonly limits: ReadonlyMap<string, number>;
  readonly requests: ReadonlyMap<string, number>;
}

/** What a container, or with `pointer` `/spec/resources` the pod, says of itself. */
export function checkResources(resources: unknown, pointer: string, report: Report): Amounts {
  const written = fields(resources);
  const amounts = {
    limits: readAmounts(fields(written.limits), "limit", `${pointer}/limits`, report),
    requests: readAmounts(fields(written.requests), "request", `${pointer}/requests`, report),
  };
  for (const name of NAMES) {
    const request = amounts.requests.get(name);
    const limit = amounts.limits.get(name);
    if (request === undefined) continue;
    const at = `${pointer}/requests/${name}`;
    const isHuge = name.startsWith("hugepages-");
    if (isHuge && request !== limit) report(at, "must be the same as the limit: huge pages cannot be shared out twice");
    else if (limit !== undefined && request > limit)
      report(at, `must not be more than the limit, ${String(fields(written.limits)[name])}`);
  }
  checkHugepages(amounts, pointer, report);
  return amounts;
}

/** A pod's own amounts bound its containers', one by one for limits, together for requests and huge pages. */
export function checkPodResources(
  pod: unknown,
  containers: readonly { readonly role: string; readonly amounts: Amounts; readonly pointer: string }[],
  report: Report,
): void {
  if (pod === undefined) return;
  const pointer = "/spec/resources";
  const own = checkResources(pod, pointer, report);
  for (const name of NAMES) {
    const limit = own.limits.get(name);
    const isHuge = name.startsWith("hugepages-");
    if (limit !== undefined && !isHuge) {
      for (const container of containers) {
        if ((container.amounts.limits.get(name) ?? 0) > limit)
          report(`${container.pointer}/limits/${name}`, "must not be more than the pod's limit in spec.resources");
      }
    }
    const requested = mostAtOnce(
      containers.map(({ role, amounts: { requests, limits } }) => ({
        role,
        amount: requests.get(name) ?? limits.get(name) ?? 0,
      })),
    );
    const request = own.requests.get(name);
    if (request !== undefined && request < requested)
      report(`${pointer}/requests/${name}`, "must not be less than its containers' requests together");
    else if (limit !== undefined && limit < requested)
      report(`${pointer}/limits/${name}`, "must not be less than its containers' requests together");
  }
}

function readAmounts(written: Fields, kind: AmountKind, pointer: string, report: Report): Map<string, number> {
  const amounts = new Map<string, number>();
  for (const name of NAMES) {
    const parse = name === "cpu" ? parseCpuMilli : parseBytes;
    const amount = checkAmount(written[name], (text) => parse(text, kind), `${pointer}/${name}`, report);
    if (amount !== undefined) amounts.set(name, amount);
  }
  return amounts;
}

function checkHugepages({ limits, requests }: Amounts, pointer: string, report: Report): void {
  for (const { name, bytes } of HUGEPAGES) {
    const limit = limits.get(name);
    if (limit === undefined) continue;
    const at = `${pointer}/limits/${name}`;
    const hasOther = ["cpu", "memory"].some((other) => limits.has(other) || requests.has(other));
    if (limit % bytes !== 0) report(at, `must be whole pages: a multiple of ${name.slice("hugepages-".length)}`);
    else if (!hasOther) report(at, "must stand beside an amount of cpu or memory");
  }
}

export function checkAmount(
  written: unknown,
  parse: (written: string | number) => Amount,
  pointer: string,
  report: Report,
): number | undefined {
  if ((typeof written !== "string" || written === "") && typeof written !== "number") return undefined;
  const amount = parse(written);
  if ("value" in amount) return amount.value;
  report(pointer, amount.fault);
  return undefined;
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
