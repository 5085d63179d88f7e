// All decisions about one pod, from data to data. Does no I/O and looks at no clock: the same input is the same plan.

import { dirname, join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import type { ContainerName } from "../base/names.ts";
import { PAUSE } from "../base/names.ts";
import { makeContainerPaths, makePodPaths, type PodPaths } from "../base/paths.ts";
import type { HostFacts } from "../host/facts.ts";
import type { Image } from "../image/image.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { parseBackOff, parseLogAttempts } from "./back-off.ts";
import { makeCgroup } from "./cgroups.ts";
import { makeImageVolumeMounts } from "./image-volumes.ts";
import { makeLogLimits } from "./log-limits.ts";
import { IdMaps, mapBeforeOverlays } from "./map-ids.ts";
import { makeNamespaces } from "./namespaces.ts";
import type { HostMount, Plan, PlannedContainer, PodCgroup, RuntimeChoice } from "./plan.ts";
import { type PodContext, planContainer, planPause } from "./plan-container.ts";
import { makePodResources } from "./pod-resources.ts";
import { makeOverlay } from "./rootfs.ts";
import { makeSandboxFiles } from "./sandbox-files.ts";
import type { SeccompProfile } from "./seccomp-filter.ts";
import { needsVault } from "./secrets.ts";
import { makeSharedMemory, makeSharedMemoryMounts } from "./shared-memory.ts";
import { makeStages } from "./stages.ts";
import { assertSysctls, withSysctls } from "./sysctls.ts";
import { NO_VALUES, type Values } from "./values.ts";
import { makeVolumeMounts, makeVolumes } from "./volumes.ts";
import { makeContainerPointer, makePlace } from "./where.ts";

export interface PlanInput {
  readonly manifest: Manifest;
  readonly images: ReadonlyMap<ContainerName, Image>;
  /** Behind volumes that are images, by volume; none unless told. */
  readonly imageVolumes?: ReadonlyMap<string, Image>;
  readonly facts: HostFacts;
  readonly runtime: RuntimeChoice;
  /** Absolute; the state directory. */
  readonly root: string;
  readonly cgroupDriver: PodCgroup["driver"];
  /** Absolute path of our static program, for the first process of a shared pid namespace. */
  readonly reaperPath: string;
  /** Text of the pod's /etc/resolv.conf; empty unless told. */
  readonly resolvConf?: string;
  /** See Sandbox. */
  readonly idsFile?: string;
  /** By relative path; those that containers name. */
  readonly seccompProfiles?: ReadonlyMap<string, SeccompProfile>;
  /** ConfigMaps, Secrets, variables of the caller; none unless told. */
  readonly values?: Values;
}

/**
 * @throws BAD_MANIFEST for what contradicts itself, NOT_SUPPORTED for what the runtime or the kernel's rules forbid,
 *   HOST_LACKS, NOT_PERMITTED; each names file and line
 */
export function makePlan(input: PlanInput): Plan {
  const { manifest, facts, runtime, root } = input;
  const { spec, metadata } = manifest;
  const paths = makePodPaths(root, metadata.name);
  const matrix = makeNamespaces(manifest, facts, runtime, paths);
  const cgroup = makeCgroup(root, metadata.name, input.cgroupDriver);
  const values = input.values ?? NO_VALUES;
  const fields = { manifest, facts, values, isHostNetwork: spec.hostNetwork };
  const volumes = makeVolumes(spec.volumes, { ...fields, root, paths, images: input.imageVolumes ?? new Map() });
  const sharedMemory = makeSharedMemory(matrix.pinned, paths);
  const logs = makeLogLimits(manifest);
  const files = makeSandboxFiles(paths, spec.hostname, input.resolvConf ?? "");
  const seccompProfiles = input.seccompProfiles ?? new Map();
  const shared = { manifest, facts, cgroup, volumes, sharedMemory, files, values, runtime };
  const pod: PodContext = { ...shared, seccompProfiles, subPathsDir: paths.subPaths };
  assertSysctls(
    manifest,
    [...matrix.containers.values()].map(({ namespaces }) => namespaces),
  );

  const containers: PlannedContainer[] = [];
  const overlays: HostMount[] = [];
  const idMaps = new IdMaps(paths, join(dirname(input.reaperPath), "peapod-idmap"));
  const pause = matrix.containers.get(PAUSE);
  if (pause !== undefined) containers.push(planPause(pod, input.reaperPath, makeContainerPaths(paths, PAUSE), pause));
  spec.containers.forEach((container, index) => {
    const { name } = container;
    const image = found(input.images.get(name), `image of container ${name}`);
    const namespaces = found(matrix.containers.get(name), `namespaces of container ${name}`);
    const planned = idMaps.withMapped(
      planContainer(pod, index, container, image, makeContainerPaths(paths, name), namespaces),
    );
    containers.push(planned);
    const overlay = {
      name,
      lower: planned.idMapping === undefined ? image.rootfs : idMaps.targetOf(image.rootfs),
      paths: planned.paths,
      idMapping: planned.idMapping,
      place: makePlace(manifest.source, makeContainerPointer(manifest, index, "image")),
    };
    overlays.push(makeOverlay(overlay), ...makeImageVolumeMounts(overlay, image, container));
  });
  const mapIds = idMaps.makeStep();
  const others = [...makeSharedMemoryMounts(sharedMemory), ...makeVolumeMounts(volumes)];
  const mounts = mapIds === undefined ? [...others, ...overlays] : others;
  const { stages, followers } = makeStages({ containers, pinned: matrix.pinned, volumes, mounts });
  const plan: Plan = {
    version: 1,
    pod: metadata.name,
    ...(values.uid === "" ? {} : { uid: values.uid }),
    root,
    paths,
    runtime,
    arch: facts.arch,
    labels: metadata.labels,
    annotations: metadata.annotations,
    stopGraceMs: spec.terminationGracePeriodSeconds * 1000,
    ...(logs === undefined ? {} : { logs }),
    sandbox: {
      hostname: spec.hostname,
      namespaces: withSysctls(manifest, matrix.pinned),
      sharedMemory,
      cgroup,
      resources: makePodResources(manifest, containers, facts),
      files: [files.hosts, files.hostname, files.resolvConf],
      volumes,
      passable: containers.some((one) => one.idMapping !== undefined) ? makePassable(root, paths, containers) : [],
      ...(input.idsFile === undefined ? {} : { idsFile: input.idsFile }),
    },
    containers,
    stages: mapIds === undefined ? stages : mapBeforeOverlays(stages, mapIds, overlays),
    followers,
    backOff: parseBackOff(manifest),
    ...(spec.activeDeadlineSeconds === undefined ? {} : { deadlineMs: spec.activeDeadlineSeconds * 1000 }),
    logAttempts: parseLogAttempts(manifest),
  };
  return needsVault(plan) ? { ...plan, sandbox: { ...plan.sandbox, vault: paths.vault } } : plan;
}

/** Every directory of ours above a root file system that a mapped root must reach. */
function makePassable(root: string, paths: PodPaths, containers: readonly PlannedContainer[]): string[] {
  const mapped = containers.filter((one) => one.idMapping !== undefined);
  return [root, dirname(paths.dir), paths.dir, paths.bundles, ...mapped.map((one) => one.paths.bundle)];
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new PeapodError("BUG", `${what} was not given to the planner`);
  return value;
}
