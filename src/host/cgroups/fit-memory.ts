// Before a limit on memory is lowered: version 2's kernel kills until the rest fits, and takes its own word for it. Version
// 1's gives back what can be given back and refuses what does not fit then; this makes the two alike.

import { writeFile } from "node:fs/promises";
import { PeapodError } from "../../base/errors.ts";
import { readControl } from "./cgroup-tree.ts";
import type { CgroupFacts } from "./cgroups.ts";

/**
 * Has the kernel give back, by memory.reclaim, what is above `limitBytes`; nothing on version 1.
 * @param whose `container web`
 * @throws WRONG_STATE where more than that stays in use
 */
export async function fitMemory(whose: string, path: string, limitBytes: number, facts: CgroupFacts): Promise<void> {
  if (facts.cgroupLayout !== "v2" || facts.cgroupMounts.unified === undefined) return;
  const dir = `${facts.cgroupMounts.unified}${path}`;
  const readUsed = () => Number(readControl(`${dir}/memory.current`));
  const excess = readUsed() - limitBytes;
  if (excess <= 0) return;
  // Linux 5.19 and later. What it says is what is measured then.
  await writeFile(`${dir}/memory.reclaim`, String(excess), { flag: "r+" }).catch(() => undefined);
  const used = readUsed();
  if (used <= limitBytes) return;
  throw new PeapodError(
    "WRONG_STATE",
    `${whose}: ${used} bytes of memory are in use, more than a limit of ${limitBytes}`,
  );
}
