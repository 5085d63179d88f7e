// Volumes of up.sh that take more than a line: files of ConfigMaps, sizes, groups, volumes that outlive the pod, subPath.

import { dirname, join } from "node:path";
import { MKFS_OPTIONS, makeImageSize } from "../plan/disk-image.ts";
import type { Plan, PlannedVolume } from "../plan/plan.ts";
import { short } from "./shell-words.ts";

type OwnVolume = Exclude<PlannedVolume, { kind: "host" | "image" }>;

export function makeOwnVolume(dir: string, volume: OwnVolume): string[] {
  const path = short(dir, volume.path);
  const { owner } = volume;
  const group = owner?.isGroup ? [`chgrp ${owner.gid} ${path}`, `chmod 2777 ${path}`] : [];
  switch (volume.kind) {
    case "tmpfs":
      return [];
    case "directory":
      return [`install -d -m 0777 ${path}`, ...group];
    case "files":
      return ["mkdir -p volumes", `cp -a ${short(dir, keptFiles(dir, volume.name))} ${path}`];
    case "named":
      return [
        `[ -d ${path} ] || install -d -m 0777 ${path}`,
        ...(owner?.isGroup ? [`chgrp -R ${owner.gid} ${path}`, `chmod -R g+rwX ${path}`, `chmod g+s ${path}`] : []),
      ];
    case "disk": {
      const image = short(dir, volume.image);
      return [
        `install -d -m 0777 ${path}`,
        `truncate -s ${makeImageSize(volume.sizeBytes).bytes} ${image}`,
        `mkfs.ext4 ${MKFS_OPTIONS.join(" ")} -N ${makeImageSize(volume.sizeBytes).inodes} ${image}`,
        `mount -o loop,nosuid,nodev ${image} ${path}`,
        `chmod 0777 ${path}`,
        ...group,
      ];
    }
  }
}

/** By hand nobody races: plain paths will do. */
export function makeSubPaths(dir: string, plan: Plan): string[] {
  return plan.containers.flatMap(({ subPaths = [] }) =>
    subPaths.flatMap(({ volume, path, target, mustExist }) => {
      const from = short(dir, join(volume, path));
      return [
        ...(mustExist ? [] : [`[ -e ${from} ] || mkdir -p ${from}`]),
        `mkdir -p ${short(dir, dirname(target))}`,
        `if [ -d ${from} ]; then mkdir -p ${short(dir, target)}; else : >${short(dir, target)}; fi`,
        `mount --bind ${from} ${short(dir, target)}`,
      ];
    }),
  );
}

/** What makeOwnVolume and makeSubPaths mount, in that order. */
export function ownMounts(plan: Plan): { readonly target: string }[] {
  return [
    ...plan.sandbox.volumes.filter(({ kind }) => kind === "disk").map(({ path }) => ({ target: path })),
    ...plan.containers.flatMap(({ subPaths = [] }) => subPaths.map(({ target }) => ({ target }))),
  ];
}

/** Where a bundle keeps the files of a volume while it is down. */
export function keptFiles(dir: string, volume: string): string {
  return `${dir}/files/volumes/${volume}`;
}
