// Whom a container's first process runs as: the manifest's numbers, else the image's user, by the image's own account
// files; and what must not be.

import { PeapodError } from "../base/errors.ts";
import { findAccount } from "../image/accounts.ts";
import type { Image } from "../image/image.ts";
import type { Container, Manifest } from "../manifest/manifest.ts";
import type { IdMapping, PlannedContainer, Reason } from "./plan.ts";
import { securityPointer } from "./security-pointer.ts";
import { defaultReason, isWritten, makeContainerPointer, makePlace, manifestReason } from "./where.ts";

export interface PlannedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly reason: Reason;
}

/** @throws BAD_MANIFEST where the image's user is not in the image's account files */
export function makeUser(manifest: Manifest, index: number, container: Container, image: Image): PlannedUser {
  const { runAsUser, runAsGroup } = container.securityContext;
  const { supplementalGroups, supplementalGroupsPolicy } = manifest.spec.securityContext;
  const words = runAsUser === undefined ? (image.config.user ?? "") : String(runAsUser);
  const account = findAccount(words, image.accounts ?? { passwd: "", group: "" });
  if ("fault" in account) {
    const place = makePlace(manifest.source, makeContainerPointer(manifest, index, "image"));
    throw new PeapodError(
      "BAD_MANIFEST",
      `container ${container.name}: the image's user ${words} ${account.fault} (${place})`,
      {
        hint: "set securityContext.runAsUser to a number",
      },
    );
  }
  const gid = runAsGroup ?? account.gid;
  const merged = supplementalGroupsPolicy === "Merge" ? account.groups : [];
  const { fsGroup } = manifest.spec;
  const others = new Set([...merged, ...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup.gid])]);
  others.delete(gid);
  return {
    uid: account.uid,
    gid,
    // Its own group too, as in containerd and podman: a program that changes its group must not slip past a rule that
    // shuts that group out (CVE-2022-36109). Root in nothing else keeps the empty list that runtimes start from.
    additionalGids: account.uid === 0 && gid === 0 && others.size === 0 ? [] : [gid, ...others],
    reason: reasonOf(manifest, index, image),
  };
}

function reasonOf(manifest: Manifest, index: number, image: Image): Reason {
  for (const field of ["runAsUser", "runAsGroup"]) {
    const pointer = securityPointer(manifest, index, field);
    if (isWritten(manifest.source, pointer)) return manifestReason(manifest, pointer);
  }
  if (image.config.user) return { source: "image", where: image.reference };
  return defaultReason("containerd's and podman's default (0:0)");
}

/**
 * What a plan must not hold, whoever decided it last.
 * @throws BAD_MANIFEST for root where runAsNonRoot is set, and for ids that a user namespace does not have
 */
export function assertUsers(manifest: Manifest, containers: readonly PlannedContainer[]): void {
  manifest.spec.containers.forEach((container, index) => {
    const planned = containers.find(({ name }) => name === container.name);
    if (planned === undefined) return;
    const { uid, gid, additionalGids } = planned.process;
    if (container.securityContext.runAsNonRoot && uid === 0) {
      const place = makePlace(manifest.source, securityPointer(manifest, index, "runAsNonRoot"));
      throw new PeapodError(
        "BAD_MANIFEST",
        `container ${container.name}: would run as root (${planned.reasons["process.user"]?.where ?? "user 0"}), which runAsNonRoot forbids (${place})`,
        { hint: "set runAsUser to a number other than 0" },
      );
    }
    const { idMapping } = planned;
    if (idMapping === undefined) return;
    assertMapped(manifest, index, "runAsUser", [uid], idMapping.uids);
    assertMapped(manifest, index, "runAsGroup", [gid], idMapping.gids);
    assertMapped(manifest, index, "supplementalGroups", additionalGids, idMapping.gids);
  });
}

function assertMapped(
  manifest: Manifest,
  index: number,
  field: string,
  ids: readonly number[],
  ranges: IdMapping["uids"],
): void {
  const bad = ids.find((id) => !ranges.some(({ container, size }) => id >= container && id < container + size));
  if (bad === undefined) return;
  const place = makePlace(manifest.source, securityPointer(manifest, index, field));
  throw new PeapodError(
    "BAD_MANIFEST",
    `container ${manifest.spec.containers[index]?.name}: id ${bad} is not in its user namespace, which has ${ranges[0]?.size ?? 0} ids from 0 on (${place})`,
  );
}
