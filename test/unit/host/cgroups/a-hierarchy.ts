// A directory that stands in for version 2's hierarchy, with the files of the cgroup /peapod/web.

import { mkdirSync, writeFileSync } from "node:fs";

export function hierarchy(dir: string, files: Readonly<Record<string, string>>) {
  mkdirSync(`${dir}/peapod/web`, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(`${dir}/peapod/web/${name}`, `${text}\n`);
  return { cgroupLayout: "v2", cgroupMounts: { unified: dir } } as const;
}
