// Root file systems of a user's pod belong to ids that he has: in those of others, as root's are, his root is nobody, and
// a container could neither make its mount points nor write.

import { readFileSync, statSync } from "node:fs";
import { PeapodError } from "../../base/errors.ts";
import type { UserFacts } from "../../host/facts.ts";
import type { Image } from "../../image/image.ts";

/** @throws NOT_PERMITTED */
export function assertOwned(images: ReadonlyMap<string, Image>, { uid }: UserFacts): void {
  // Whom the kernel shows in place of all who have no id here (user_namespaces(7)).
  const nobody = Number(readFileSync("/proc/sys/kernel/overflowuid", "utf8"));
  for (const [container, { rootfs }] of images) {
    if (statSync(rootfs).uid !== nobody) continue;
    throw new PeapodError("NOT_PERMITTED", `container ${container}: rootfs ${rootfs} is not user ${uid}'s own`, {
      hint: "unpack or copy it as yourself; files of others are nobody's in your pods",
    });
  }
}
