// In a user namespace the host's root is nobody: root file systems and volumes are bound once more with owners mapped, so
// that who owns a file on disk owns it inside, as in Kubernetes. Pure.

import { basename, join } from "node:path";
import { type PodPaths, shortHash } from "../base/paths.ts";
import type { HostMount, IdMapping, PlannedContainer, PlannedMount, Step } from "./plan.ts";

type MapStep = Extract<Step, { do: "map-ids" }>;

/** All of one pod; each source is bound once, whoever mounts it. */
export class IdMaps {
  readonly #dir: string;
  readonly #program: string;
  readonly #targets = new Map<string, string>();
  readonly #devices: ReadonlySet<string>;
  #mapping: IdMapping | undefined;

  /** `devices`: paths of volumes that are one. They stay as they are, since no kernel maps owners in its /dev. */
  constructor(paths: PodPaths, program: string, devices: readonly string[] = []) {
    this.#dir = join(paths.dir, "idmap");
    this.#program = program;
    this.#devices = new Set(devices);
  }

  /** Whatever else the pod has: of a pod that changes while it runs, what stays keeps its place. */
  targetOf(source: string): string {
    const name = basename(source)
      .replace(/[^\w.-]/g, "_")
      .slice(0, 40);
    const target = join(this.#dir, `${name}-${shortHash(source)}`);
    this.#targets.set(source, target);
    return target;
  }

  /** Its bind mounts from where the owners are its own; unchanged without a user namespace. Shared memory is everybody's. */
  withMapped(container: PlannedContainer): PlannedContainer {
    if (container.idMapping === undefined) return container;
    this.#mapping = container.idMapping;
    // Parts of volumes are bound later, out of the mapped volume.
    const subPaths = container.subPaths?.map((part) => ({ ...part, mapped: this.targetOf(part.volume) }));
    const parts = new Set(subPaths?.map(({ target }) => target));
    // Overlays on what is mapped already.
    const isOwn = (source: string) => source.startsWith(`${container.paths.imageVolumes}/`);
    const isMapped = ({ type, destination, source }: PlannedMount) =>
      type === "bind" &&
      destination !== "/dev/shm" &&
      !parts.has(source) &&
      !this.#devices.has(source) &&
      !isOwn(source) &&
      !isHostFile(destination, source);
    const mounts = container.mounts.map((mount) =>
      isMapped(mount) ? { ...mount, source: this.targetOf(mount.source ?? "") } : mount,
    );
    return { ...container, mounts, ...(subPaths === undefined ? {} : { subPaths }) };
  }

  /** Undefined where nothing is mapped. */
  makeStep(): MapStep | undefined {
    if (this.#mapping === undefined || this.#targets.size === 0) return undefined;
    const maps = [...this.#targets].map(([source, target]) => ({ source, target }));
    return { do: "map-ids", maps, mapping: this.#mapping, program: this.#program };
  }
}

/** /etc/hosts and the like as the host has it. All may read it, whoever owns it; and not every root file system can be mapped. */
function isHostFile(destination: string, source: string | undefined): boolean {
  return source === destination && /^\/etc\/(hosts|hostname|resolv\.conf)$/.test(destination);
}

/** Volumes must be there before they are mapped, and lower layers mapped before an overlay lies on them. */
export function mapBeforeOverlays(
  stages: readonly (readonly Step[])[],
  mapIds: MapStep,
  overlays: readonly HostMount[],
): (readonly Step[])[] {
  const [prepare = [], ...rest] = stages;
  return [prepare, [mapIds], [{ do: "mount", mounts: overlays }], ...rest];
}

/** The two words of peapod-idmap's command line. */
export function makeIdMapArgs({ uids, gids }: IdMapping): [string, string] {
  const word = (ranges: IdMapping["uids"]) =>
    ranges.map(({ container, host, size }) => `${container}:${host}:${size}`).join(",");
  return [word(uids), word(gids)];
}
