// What one plan of a pod has on the machine that another has not: its containers' directories, volumes and mounts.

import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PodPaths } from "../../base/paths.ts";
import { mapIds } from "../../host/map-ids.ts";
import { mountAll, unmountBelow } from "../../host/mounts.ts";
import { makeVolumes, removeTree } from "../../host/volumes.ts";
import type { Plan, PlannedContainer, PlannedVolume } from "../../plan/plan.ts";
import { mapsIn, mountsIn } from "../../plan/stages.ts";
import { makePodVolumes } from "../volumes/pod-volumes.ts";

/**
 * Makes what may fail (new volumes, mapped mounts, root file systems), and looks whether the host's are there still, so
 * that it is known before anybody has to go for it. What is in files of volumes, and what is so already, stays as it is.
 * @throws what the steps of a way up throw; what was made until then is for `removeBeyond`
 */
export async function makeBeyond(next: Plan, known: Plan): Promise<void> {
  const isMade = (volume: PlannedVolume) => volume.kind !== "host" && hasVolume(known, volume);
  const volumes = next.sandbox.volumes.filter((volume) => volume.kind !== "files" && !isMade(volume));
  makeVolumes(volumes);
  await makePodVolumes({ ...next, sandbox: { ...next.sandbox, volumes } });
  for (const step of next.stages.flat()) {
    if (step.do === "map-ids") await mapIds(step);
    if (step.do === "mount") await mountAll(step.mounts);
  }
}

/** Takes away what `gone` has and `kept` has not. May be done again. */
export async function removeBeyond(gone: Plan, kept: Plan): Promise<void> {
  const { paths } = gone;
  for (const container of gone.containers)
    if (!kept.containers.some(({ name }) => name === container.name)) await removeTraces(container, paths);
  const mounted = new Set(targetsOf(kept));
  for (const target of targetsOf(gone)) if (!mounted.has(target)) await removeMount(target);
  for (const volume of gone.sandbox.volumes) if (!hasVolume(kept, volume)) await removeVolume(volume, paths);
}

/** Deepest first: parts of volumes before these, overlays before what they lie on. */
function targetsOf({ containers, stages }: Plan): string[] {
  const parts = containers.flatMap(({ subPaths = [] }) => subPaths);
  return [...parts, ...mountsIn(stages), ...mapsIn(stages)].map(({ target }) => target);
}

function hasVolume({ sandbox }: Plan, { name }: PlannedVolume): boolean {
  return sandbox.volumes.some((volume) => volume.name === name);
}

async function removeTraces({ name, paths }: PlannedContainer, pod: PodPaths): Promise<void> {
  for (const dir of [paths.bundle, join(pod.subPaths, name)]) await removeMount(dir);
  for (const dir of [dirname(paths.ioLock), paths.logDir]) removeTree(dir);
}

/** What is ours of it. */
async function removeVolume(volume: PlannedVolume, paths: PodPaths): Promise<void> {
  if (![paths.volumes, paths.vault].some((dir) => volume.path.startsWith(`${dir}/`))) return;
  await removeMount(volume.path);
  if (volume.kind === "disk") for (const file of [volume.image, `${volume.image}.new`]) rmSync(file, { force: true });
}

async function removeMount(path: string): Promise<void> {
  await unmountBelow(path);
  removeTree(path);
}
