// Requests and limits as numbers, with Kubernetes' defaults: a request that is not written is the limit.

import { PeapodError } from "../base/errors.ts";
import type { Resources as WrittenResources } from "../generated/pod.ts";
import type { Amount, AmountKind } from "./amounts.ts";
import { parseBytes, parseCpuMilli } from "./amounts.ts";
import { mostAtOnce } from "./at-once.ts";
import { HUGEPAGE_SIZES } from "./hugepages.ts";
import type { Resources } from "./manifest.ts";

/** `written` has been checked. */
export function makeResources(written: WrittenResources | undefined): Resources {
  const { limits, requests } = written ?? {};
  const cpuLimitMilli = amount(limits?.cpu, parseCpuMilli);
  const memoryLimitBytes = amount(limits?.memory, parseBytes);
  const hugepages = HUGEPAGE_SIZES.flatMap((size) => {
    const bytes = amount(limits?.[`hugepages-${size}`], parseBytes);
    return bytes === undefined ? [] : [[size, bytes]];
  });
  return {
    cpuLimitMilli,
    cpuRequestMilli: amount(requests?.cpu, parseCpuMilli, "request") ?? cpuLimitMilli,
    memoryLimitBytes,
    memoryRequestBytes: amount(requests?.memory, parseBytes, "request") ?? memoryLimitBytes,
    ...(hugepages.length === 0 ? {} : { hugepages: Object.fromEntries(hugepages) }),
  };
}

/** Those of the pod: a request that is not written is what its containers request together, or the limit. */
export function makePodResources(
  written: WrittenResources | undefined,
  containers: readonly { readonly role: string; readonly resources: Resources }[],
): Resources | undefined {
  if (written === undefined) return undefined;
  const own = makeResources(written);
  const together = (of: (resources: Resources) => number | undefined) => {
    if (containers.every(({ resources }) => of(resources) === undefined)) return undefined;
    return mostAtOnce(containers.map(({ role, resources }) => ({ role, amount: of(resources) ?? 0 })));
  };
  const { cpuLimitMilli, memoryLimitBytes } = own;
  return {
    ...own,
    cpuRequestMilli:
      amount(written.requests?.cpu, parseCpuMilli, "request") ??
      (cpuLimitMilli === undefined ? undefined : (together((one) => one.cpuRequestMilli) ?? cpuLimitMilli)),
    memoryRequestBytes:
      amount(written.requests?.memory, parseBytes, "request") ??
      (memoryLimitBytes === undefined ? undefined : (together((one) => one.memoryRequestBytes) ?? memoryLimitBytes)),
  };
}

type Parse = (written: string | number, kind: AmountKind) => Amount;

function amount(written: string | number | undefined, parse: Parse, kind: AmountKind = "limit"): number | undefined {
  if (written === undefined) return undefined;
  const parsed = parse(written, kind);
  if ("fault" in parsed) throw new PeapodError("BUG", `amount ${written}: was not checked`);
  return parsed.value;
}
