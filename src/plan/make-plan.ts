// All decisions about one pod, from data to data. Does no I/O and looks at no clock: the same input is the same plan.

import { dirname, join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import type { ContainerName } from "../base/names.ts";
import { PAUSE } from "../base/names.ts";
import { makeContainerPaths, makePodPaths, type PodPaths } from "../base/paths.ts";
import type { HostDevice, HostFacts } from "../host/facts.ts";
import type { Image } from "../image/image.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { PlannedNetwork } from "../network/network.ts";
import { EACH_IP_MARK, needsAddress, POD_IP_MARK, POD_IPS_MARK } from "./addresses.ts";
import { parseBackOff, parseLogAttempts } from "./back-off.ts";
import { chooseDriver, makeCgroup } from "./cgroups.ts";
import { listDevicePaths } from "./device-rules.ts";
import { makeImageVolumeMounts } from "./image-volumes.ts";
import { parseKeptEvents } from "./kept-events.ts";
import { makeLogLimits } from "./log-limits.ts";
import { IdMaps, mapBeforeOverlays } from "./map-ids.ts";
import { makeNamespaces } from "./namespaces.ts";
import type { HostMount, Plan, PlannedContainer, PlannedPort, PodCgroup, RuntimeChoice } from "./plan.ts";
import { type PodContext, planContainer, planPause } from "./plan-container.ts";
import { makePodNames } from "./pod-names.ts";
import { makePodResources } from "./pod-resources.ts";
import { makeOverlay } from "./rootfs.ts";
import { assertForUser, assertWithinUser, withoutLimits } from "./rootless.ts";
import { type HostFiles, SandboxFiles } from "./sandbox-files.ts";
import type { NetworkScope } from "./scopes.ts";
import type { SeccompProfile } from "./seccomp-filter.ts";
import { needsVault } from "./secrets.ts";
import { makeSharedMemory, makeSharedMemoryMounts } from "./shared-memory.ts";
import { makeStages } from "./stages.ts";
import { assertSysctls, withSysctls } from "./sysctls.ts";
import { makeUplink, makeUplinkResolvConf, type PlannedUplink } from "./uplink.ts";
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
  /** Nothing in them unless told. */
  readonly hostFiles?: HostFiles;
  /** The pod will be moved into a caller's container. */
  readonly isInside?: boolean;
  /** How a user's pod is brought to the network: `pasta`, `slirp4netns`, `none`; empty: whatever is installed. */
  readonly uplink?: string;
  /** See Sandbox. */
  readonly idsFile?: string;
  /** By relative path; those that containers name. */
  readonly seccompProfiles?: ReadonlyMap<string, SeccompProfile>;
  /** Behind hostPath volumes of type CharDevice and BlockDevice, by path; those that are there. */
  readonly devices?: ReadonlyMap<string, HostDevice>;
  /** ConfigMaps, Secrets, variables of the caller; none unless told. */
  readonly values?: Values;
  /** Whose network the pod has, where the manifest's fields do not say it. */
  readonly network?: NetworkScope;
  /** What its network namespace is attached to, where it has one of its own; nothing unless told. */
  readonly networks?: readonly PlannedNetwork[];
  readonly ports?: readonly PlannedPort[];
  /** The network namespace that the pod has, where somebody else made it, and what was found there. */
  readonly netns?: { readonly file: string; readonly podIPs: readonly string[]; readonly resolvConf?: string };
}

/**
 * @throws BAD_MANIFEST for what contradicts itself, NOT_SUPPORTED for what the runtime or the kernel's rules forbid,
 *   HOST_LACKS, NOT_PERMITTED; each names file and line
 */
export function makePlan(input: PlanInput): Plan {
  const { manifest, facts, runtime, root } = input;
  const { spec, metadata } = manifest;
  const paths = makePodPaths(root, metadata.name);
  const names = makePodNames(manifest);
  const matrix = makeNamespaces(manifest, facts, runtime, paths, names.hostname, input.network);
  assertForUser(manifest, facts, input.cgroupDriver);
  const cgroup = makeCgroup(root, metadata.name, chooseDriver(input.cgroupDriver, facts), facts.user?.cgroup);
  const lender = matrix.pinned.find(({ kind, owner }) => kind === "net" && owner === "pod");
  // Where each container has a network namespace of its own, there is nothing to be attached.
  const networks = lender === undefined || input.networks?.length === 0 ? undefined : input.networks;
  const isAttached = networks !== undefined;
  const hostFiles = withTheirs(input.hostFiles ?? { resolvConf: "" }, input.netns?.resolvConf);
  const { uplink, why: noUplink } = makeUplink({
    ...{ facts, pinned: matrix.pinned, podDir: paths.dir, ports: input.ports ?? [] },
    ...{ wanted: input.uplink ?? "", resolvConf: hostFiles.resolvConf },
  });
  const getsAddress = isAttached || uplink !== undefined;
  const values = {
    ...(input.values ?? NO_VALUES),
    ...(getsAddress ? { podIp: POD_IP_MARK, podIps: POD_IPS_MARK } : {}),
    ...makeTheirValues(input.netns?.podIPs),
  };
  const fields = { manifest, facts, values, isHostNetwork: spec.hostNetwork };
  const volumes = makeVolumes(spec.volumes, { ...fields, root, paths, images: input.imageVolumes ?? new Map() });
  const sharedMemory = makeSharedMemory(matrix.pinned, paths);
  const logs = makeLogLimits(manifest);
  const keptEvents = parseKeptEvents(manifest);
  const files = new SandboxFiles({
    paths,
    manifest,
    names,
    host: uplink?.nameserver === undefined ? hostFiles : withNameserverOf(uplink, hostFiles),
    hostname: facts.hostname,
    isInside: input.isInside ?? false,
    ...(getsAddress ? { addresses: [EACH_IP_MARK] } : {}),
    ...(input.netns === undefined ? {} : { addresses: input.netns.podIPs, netns: input.netns.file }),
  });
  const seccompProfiles = input.seccompProfiles ?? new Map();
  const shared = { manifest, facts, cgroup, volumes, sharedMemory, hostname: names.hostname, files, values, runtime };
  const devices = input.devices ?? new Map();
  const pod: PodContext = { ...shared, seccompProfiles, devices, subPathsDir: paths.subPaths };
  assertSysctls(
    manifest,
    [...matrix.containers.values()].map(({ namespaces }) => namespaces),
  );

  const asLimited = (one: PlannedContainer) => (cgroup.driver === "none" ? withoutLimits(one) : one);
  const containers: PlannedContainer[] = [];
  const overlays: HostMount[] = [];
  const idMaps = new IdMaps(paths, join(dirname(input.reaperPath), "peapod-idmap"), listDevicePaths(volumes));
  const pause = matrix.containers.get(PAUSE);
  if (pause !== undefined) containers.push(planPause(pod, input.reaperPath, makeContainerPaths(paths, PAUSE), pause));
  spec.containers.forEach((container, index) => {
    const { name } = container;
    const image = found(input.images.get(name), `image of container ${name}`);
    const namespaces = found(matrix.containers.get(name), `namespaces of container ${name}`);
    const planned = idMaps.withMapped(
      asLimited(planContainer(pod, index, container, image, makeContainerPaths(paths, name), namespaces)),
    );
    containers.push(planned);
    const overlay = {
      name,
      lower: planned.idMapping === undefined ? image.rootfs : idMaps.targetOf(image.rootfs),
      paths: planned.paths,
      idMapping: planned.idMapping,
      isUsers: facts.user !== undefined,
      place: makePlace(manifest.source, makeContainerPointer(manifest, index, "image")),
    };
    overlays.push(makeOverlay(overlay), ...makeImageVolumeMounts(overlay, image, container));
  });
  assertWithinUser(manifest, facts, containers);
  const mapIds = idMaps.makeStep();
  const others = [...makeSharedMemoryMounts(sharedMemory), ...makeVolumeMounts(volumes)];
  const mounts = mapIds === undefined ? [...others, ...overlays] : others;
  const attaching = isAttached && lender && { from: lender.from, isAwaited: containers.some(needsAddress) };
  const { stages, followers } = makeStages({
    containers,
    pinned: matrix.pinned,
    volumes,
    mounts,
    ...(attaching ? { attaching } : {}),
    ...(uplink === undefined ? {} : { uplink: { isAwaited: containers.some(needsAddress) } }),
  });
  const plan: Plan = {
    version: 1,
    pod: metadata.name,
    ...(values.uid === "" ? {} : { uid: values.uid }),
    root,
    paths,
    runtime,
    ...(facts.user === undefined ? {} : { isUsers: true as const }),
    arch: facts.arch,
    labels: metadata.labels,
    annotations: metadata.annotations,
    stopGraceMs: spec.terminationGracePeriodSeconds * 1000,
    ...(logs === undefined ? {} : { logs }),
    sandbox: {
      hostname: names.hostname,
      namespaces: withSysctls(manifest, matrix.pinned),
      sharedMemory,
      cgroup,
      resources: makePodResources(manifest, containers, facts),
      files: files.all,
      ...(isAttached ? { networks } : {}),
      ...(input.netns === undefined ? {} : { podIPs: input.netns.podIPs }),
      ...(input.ports === undefined || input.ports.length === 0 || uplink !== undefined ? {} : { ports: input.ports }),
      volumes,
      passable: containers.some((one) => one.idMapping !== undefined) ? makePassable(root, paths, containers) : [],
      ...(uplink === undefined ? {} : { uplink }),
      ...(noUplink === undefined ? {} : { noUplink }),
      ...(input.idsFile === undefined ? {} : { idsFile: input.idsFile }),
    },
    containers,
    stages: mapIds === undefined ? stages : mapBeforeOverlays(stages, mapIds, overlays),
    followers,
    backOff: parseBackOff(manifest),
    ...(spec.activeDeadlineSeconds === undefined ? {} : { deadlineMs: spec.activeDeadlineSeconds * 1000 }),
    logAttempts: parseLogAttempts(manifest),
    ...(keptEvents === undefined ? {} : { keptEvents }),
  };
  return needsVault(plan) ? { ...plan, sandbox: { ...plan.sandbox, vault: paths.vault } } : plan;
}

function makeTheirValues(podIPs: readonly string[] = []): Pick<Values, "podIp" | "podIps"> {
  const [podIp] = podIPs;
  return podIp === undefined ? {} : { podIp, podIps: podIPs.join(",") };
}

/** Its servers are asked from within that namespace, whose loopback they may be at. */
function withTheirs(hostFiles: HostFiles, resolvConf: string | undefined): HostFiles {
  return resolvConf === undefined ? hostFiles : { ...hostFiles, netnsResolvConf: resolvConf };
}

/** What the uplink answers comes in place of all that the host asks. */
function withNameserverOf(uplink: PlannedUplink, { upstreamResolvConf: _, ...host }: HostFiles): HostFiles {
  return { ...host, resolvConf: makeUplinkResolvConf(host.resolvConf, uplink) };
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
