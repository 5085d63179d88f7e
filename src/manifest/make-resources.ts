// Requests and limits as numbers, with Kubernetes' defaults: a request that is not written is the limit.

import { PeapodError } from "../base/errors.ts";
import type { Resources as WrittenResources } from "../generated/pod.ts";
import type { Amount } from "./amounts.ts";
import { parseBytes, parseCpuMilli } from "./amounts.ts";
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
    cpuRequestMilli: amount(requests?.cpu, parseCpuMilli) ?? cpuLimitMilli,
    memoryLimitBytes,
    memoryRequestBytes: amount(requests?.memory, parseBytes) ?? memoryLimitBytes,
    ...(hugepages.length === 0 ? {} : { hugepages: Object.fromEntries(hugepages) }),
  };
}

/** Those of the pod: a request that is not written is what its containers request together, or the limit. */
export function makePodResources(
  written: WrittenResources | undefined,
  containers: readonly Resources[],
): Resources | undefined {
  if (written === undefined) return undefined;
  const own = makeResources(written);
  const together = (of: (resources: Resources) => number | undefined) => {
    const known = containers.map(of).filter((value) => value !== undefined);
    return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0);
  };
  const { cpuLimitMilli, memoryLimitBytes } = own;
  return {
    ...own,
    cpuRequestMilli:
      amount(written.requests?.cpu, parseCpuMilli) ??
      (cpuLimitMilli === undefined ? undefined : (together((one) => one.cpuRequestMilli) ?? cpuLimitMilli)),
    memoryRequestBytes:
      amount(written.requests?.memory, parseBytes) ??
      (memoryLimitBytes === undefined ? undefined : (together((one) => one.memoryRequestBytes) ?? memoryLimitBytes)),
  };
}

function amount(written: string | number | undefined, parse: (written: string | number) => Amount): number | undefined {
  if (written === undefined) return undefined;
  const parsed = parse(written);
  if ("fault" in parsed) throw new PeapodError("BUG", `amount ${written}: was not checked`);
  return parsed.value;
}
