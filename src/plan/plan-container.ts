// One container of the manifest, decided.

import { join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { PAUSE } from "../base/names.ts";
import type { ContainerPaths } from "../base/paths.ts";
import type { HostDevice, HostFacts } from "../host/facts.ts";
import type { Image } from "../image/image.ts";
import type { Container, Manifest } from "../manifest/manifest.ts";
import { makeAttendanceReasons, makePlannedAttendance } from "./attendance.ts";
import { makeCapabilities } from "./capabilities.ts";
import { makeContainerCgroup } from "./cgroups.ts";
import { makeConfinement } from "./confinement.ts";
import { makeDeviceRules } from "./device-rules.ts";
import { makeOwnEnv } from "./env.ts";
import { makeIdMapping } from "./id-mapping.ts";
import { makeImageStopSignal } from "./image-stop-signal.ts";
import { makeImageMounts } from "./image-volumes.ts";
import { makeMounts } from "./mounts.ts";
import type { ContainerNamespaces } from "./namespaces.ts";
import type { PlannedContainer, PlannedVolume, PodCgroup, Reason, RuntimeChoice, SharedMemory } from "./plan.ts";
import { reasonOfName } from "./pod-names.ts";
import { makeProcess } from "./process.ts";
import { makePauseResources, makeResources } from "./resources.ts";
import type { SandboxFiles } from "./sandbox-files.ts";
import type { SeccompProfile } from "./seccomp-filter.ts";
import { makeShmMount } from "./shared-memory.ts";
import { makeStdio, withTerm } from "./stdio.ts";
import { makeContainerSysctls } from "./sysctls.ts";
import type { Values } from "./values.ts";
import { defaultReason, makeContainerPointer, makePlace, manifestReason, reasonFor } from "./where.ts";

/** What is the same for every container of the pod. */
export interface PodContext {
  readonly manifest: Manifest;
  readonly facts: HostFacts;
  readonly cgroup: PodCgroup;
  readonly volumes: readonly PlannedVolume[];
  readonly sharedMemory: readonly SharedMemory[];
  /** What the kernel calls the pod. */
  readonly hostname: string;
  readonly files: SandboxFiles;
  readonly seccompProfiles: ReadonlyMap<string, SeccompProfile>;
  readonly devices: ReadonlyMap<string, HostDevice>;
  readonly values: Values;
  readonly runtime: RuntimeChoice;
  /** Where parts of volumes are bound. */
  readonly subPathsDir: string;
}

/** @throws BAD_MANIFEST, NOT_PERMITTED, NOT_SUPPORTED */
export function planContainer(
  pod: PodContext,
  index: number,
  container: Container,
  image: Image,
  paths: ContainerPaths,
  { namespaces, reasons }: ContainerNamespaces,
): PlannedContainer {
  const { manifest, facts } = pod;
  const { name, securityContext } = container;
  const pointer = (...parts: string[]) => makeContainerPointer(manifest, index, ...parts);
  const uts = namespaces.uts.scope;
  const hostname = uts === "path" ? undefined : uts === "host" ? facts.hostname : pod.hostname;
  const idMapping = makeIdMapping(namespaces, facts);
  const isHostNetwork = namespaces.net.scope === "host";
  const ownEnv = makeOwnEnv(container, { manifest, facts, values: pod.values, isHostNetwork });
  const command = makeProcess({ manifest, index, container, image, hostname, ownEnv });
  const capabilities = makeCapabilities(manifest, index, container, facts);
  const { resources, reasons: resourceReasons } = makeResources(manifest, index, container, facts);
  const readOnly = securityContext.readOnlyRootFilesystem;
  const {
    mounts,
    reasons: mountReasons,
    subPaths,
    passesMountsOn,
  } = makeMounts({
    manifest,
    index,
    container,
    volumes: pod.volumes,
    shm: makeShmMount(name, namespaces.ipc, pod.sharedMemory),
    files: pod.files.mountsFor(namespaces, readOnly),
    imageMounts: makeImageMounts(image, container, paths),
    imageReference: image.reference,
    ownEnv,
    facts,
    runtime: pod.runtime,
    isMapped: idMapping !== undefined,
    subPathsDir: join(pod.subPathsDir, name),
  });
  if (idMapping !== undefined && securityContext.privileged) {
    const place = makePlace(manifest.source, pointer("securityContext", "privileged"));
    throw new PeapodError("BAD_MANIFEST", `container ${name}: cannot be privileged in a user namespace (${place})`);
  }
  const { seccompReason, ...confinement } = makeConfinement({
    manifest,
    index,
    container,
    facts,
    capabilities: capabilities.names,
    hasUserNamespace: idMapping !== undefined,
    seccompProfiles: pod.seccompProfiles,
  });
  const deviceRules = makeDeviceRules(container, pod.volumes, pod.devices, facts);
  const sysctls = makeContainerSysctls(manifest, namespaces);
  const stopSignal = makeImageStopSignal(manifest, index, container, image);
  return {
    name,
    role: container.role,
    restart: { policy: container.restartPolicy, rules: container.restartRules },
    paths,
    image: image.reference,
    ...(image.id === undefined ? {} : { imageId: image.id }),
    ...(image.config.labels === undefined ? {} : { imageLabels: image.config.labels }),
    rootfs: { lower: image.rootfs, readOnly },
    process: { ...withTerm(command.process, container), capabilities: capabilities.names },
    ...makeStdio(container),
    privileged: securityContext.privileged,
    ...confinement,
    ...(sysctls === undefined ? {} : { sysctls }),
    namespaces,
    mounts,
    ...(subPaths.length === 0 ? {} : { subPaths }),
    ...(passesMountsOn ? { passesMountsOn } : {}),
    resources,
    cgroupPath: makeContainerCgroup(pod.cgroup, name),
    hostname: isNamedByRuntime(namespaces) ? pod.hostname : undefined,
    ...(idMapping === undefined ? {} : { idMapping }),
    ...(securityContext.privileged ? { devices: facts.devices ?? [] } : {}),
    ...(deviceRules.length === 0 ? {} : { deviceRules }),
    annotations: { "peapod.pod": manifest.metadata.name, "peapod.container": name },
    ...makePlannedAttendance(container),
    ...stopSignal,
    reasons: {
      ...command.reasons,
      "process.capabilities": capabilities.reason,
      ...reasons,
      rootfs: manifestReason(manifest, pointer("image")),
      "rootfs.readOnly": reasonFor(
        manifest,
        pointer("securityContext", "readOnlyRootFilesystem"),
        "Kubernetes default",
      ),
      ...mountReasons,
      ...resourceReasons,
      ...makeAttendanceReasons(manifest, container, pointer()),
      ...(stopSignal === undefined ? {} : { stopSignal: { source: "image", where: image.reference } as const }),
      privileged: reasonFor(manifest, pointer("securityContext", "privileged"), "Kubernetes default"),
      seccomp: seccompReason,
      hostname: reasonOfHostname(manifest, uts),
    },
  };
}

/**
 * The first process of what the pod shares: our own static program in an otherwise empty root file system, with no
 * capability and no mount of the pod's.
 */
export function planPause(
  pod: PodContext,
  reaperPath: string,
  paths: ContainerPaths,
  { namespaces, reasons }: ContainerNamespaces,
): PlannedContainer {
  const idMapping = makeIdMapping(namespaces, pod.facts);
  const sysctls = makeContainerSysctls(pod.manifest, namespaces);
  const why = defaultReason("peapod: first process of what the pod shares");
  return {
    name: PAUSE,
    role: "pause",
    restart: { policy: "Always", rules: [] },
    paths,
    image: `file:${reaperPath}`,
    rootfs: { lower: undefined, readOnly: true },
    process: {
      args: ["/pause", "pause"],
      env: [],
      cwd: "/",
      uid: 0,
      gid: 0,
      additionalGids: [],
      capabilities: [],
      noNewPrivileges: true,
    },
    privileged: false,
    seccomp: pod.facts.hasSeccomp,
    ...(sysctls === undefined ? {} : { sysctls }),
    namespaces,
    mounts: [
      {
        destination: "/pause",
        type: "bind",
        source: reaperPath,
        options: ["bind", "rprivate", "ro", "nosuid", "nodev"],
      },
    ],
    resources: makePauseResources(pod.facts),
    cgroupPath: makeContainerCgroup(pod.cgroup, PAUSE),
    hostname: isNamedByRuntime(namespaces) ? pod.hostname : undefined,
    ...(idMapping === undefined ? {} : { idMapping }),
    annotations: { "peapod.pod": pod.manifest.metadata.name, "peapod.container": PAUSE },
    reasons: { ...reasons, "process.args": why, rootfs: why, [`mounts.${join("/", "pause")}`]: why },
  };
}

/** A uts namespace that the runtime makes gets its name from the runtime; one made beforehand has it already. */
function isNamedByRuntime({ uts }: ContainerNamespaces["namespaces"]): boolean {
  return uts.scope === "private" && uts.from !== "new";
}

function reasonOfHostname(manifest: Manifest, uts: string): Reason {
  if (uts === "host") return defaultReason("the host's own, with its uts namespace");
  if (uts === "path") return defaultReason("whatever the joined uts namespace has");
  return reasonOfName(manifest);
}
