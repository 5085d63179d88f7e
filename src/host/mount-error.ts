// mount(8)'s complaint about one of several mounts, as one error that names the mount and the reason. Looks at the disk
// only to find out which layer of an overlay is missing.

import { existsSync } from "node:fs";
import type { ErrorCode } from "../base/errors.ts";
import { PeapodError } from "../base/errors.ts";
import type { HostMount } from "../plan/plan.ts";

interface Reason {
  readonly words: RegExp;
  readonly code: ErrorCode;
  readonly hint?: string;
}

const REASONS: readonly Reason[] = [
  { words: /unknown filesystem type/i, code: "HOST_LACKS", hint: "the kernel lacks this file system; try modprobe" },
  {
    words: /failed to set ?up loop device/i,
    code: "HOST_LACKS",
    hint: "the kernel has none, or none that is free; try modprobe loop",
  },
  { words: /no space left|cannot allocate|too many/i, code: "OUT_OF_RESOURCES" },
  { words: /permission denied|not permitted|must be superuser|read-only/i, code: "NOT_PERMITTED" },
  { words: /does not exist|no such file/i, code: "NOT_FOUND" },
  // EINVAL: the kernel's own words are in its log only.
  { words: /wrong fs type|bad option/i, code: "HOST_LACKS", hint: "dmesg tells why; an overlay cannot lie on another" },
];

/** @param stderr lines `mount: TARGET: REASON.`, for those mounts that failed */
export function makeMountError(mounts: readonly HostMount[], stderr: string): PeapodError {
  const failed = mounts.flatMap((mount) => {
    const start = `mount: ${mount.target}: `;
    const line = stderr.split("\n").find((one) => one.startsWith(start));
    return line === undefined ? [] : [{ mount, words: line.slice(start.length).replace(/\.$/, "") }];
  });
  const [first] = failed;
  const words = first?.words ?? (stderr.trim().split("\n")[0] || "mount failed without a word");
  const reason = REASONS.find((one) => one.words.test(words));
  // For ENOENT mount(8) blames the source, which an overlay does not have.
  const layer = first && reason?.code === "NOT_FOUND" ? findMissingLayer(first.mount) : undefined;
  return new PeapodError(
    reason?.code ?? "HOST_LACKS",
    `${first ? `mount ${first.mount.target}` : "mounts"}: ${layer === undefined ? words : `${layer} does not exist`}`,
    {
      detail: { mount: first?.mount, stderr },
      ...(reason?.hint === undefined ? {} : { hint: reason.hint }),
    },
  );
}

function findMissingLayer(mount: HostMount): string | undefined {
  const paths = mount.options.flatMap((option) => {
    const found = /^(?:lowerdir|upperdir|workdir)=(.*)$/s.exec(option);
    return found ? [(found[1] ?? "").replaceAll(/\\(.)/gs, "$1")] : [];
  });
  return paths.find((path) => !existsSync(path));
}
