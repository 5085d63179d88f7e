// The annotations that peapod itself understands. What their values mean is the planner's business.

export const ANNOTATION_PREFIX = "peapod/";

/** In podman's words (`net,ipc,uts`), which namespaces the containers share. */
export const SHARE = "peapod/share";
/** Offsets of the time namespace's clocks. */
export const TIME_OFFSETS = "peapod/timeOffsets";
/** How long a container that ends again and again waits before it is started again. */
export const BACK_OFF = "peapod/backOff";
/** How many attempts of a container keep their logs. */
export const LOG_ATTEMPTS = "peapod/logAttempts";
/** How many of its last events a pod's journal surely holds. */
export const KEPT_EVENTS = "peapod/keptEvents";
/** With a container's name behind it: the namespaces of that container alone. */
export const CONTAINER_NAMESPACES = "peapod/namespaces.";
/** Size of a container's log file before another is begun: `10Mi` unless told; `0`: no limit. */
export const LOG_MAX_SIZE = "peapod/logMaxSize";
/** Files of one log altogether; 5 unless told. */
export const LOG_MAX_FILES = "peapod/logMaxFiles";

/** In podman's words, the networks that the pod is attached to, or none, host, netns:PATH. */
export const NETWORKS = "peapod/networks";

/** In podman's words, ports of the host that lead to the pod: `8080:80, 53:53/udp`. */
export const PUBLISH = "peapod/publish";

/** What Kubernetes has no field for: each of the pod, and with a dot and a container's name behind it of that one. */
export const RESOURCE_ANNOTATIONS = [
  "peapod/pidsLimit",
  "peapod/cpusetCpus",
  "peapod/cpusetMems",
  "peapod/memorySwap",
  "peapod/memoryOomGroup",
  "peapod/blkioWeight",
  "peapod/deviceReadBps",
  "peapod/deviceWriteBps",
  "peapod/deviceReadIops",
  "peapod/deviceWriteIops",
] as const;
export type ResourceAnnotation = (typeof RESOURCE_ANNOTATIONS)[number];

/** Of the pod alone. */
const POD_ANNOTATIONS: readonly string[] = [
  SHARE,
  TIME_OFFSETS,
  BACK_OFF,
  LOG_ATTEMPTS,
  LOG_MAX_SIZE,
  LOG_MAX_FILES,
  KEPT_EVENTS,
  NETWORKS,
  PUBLISH,
];

/** What stands before a container's name. */
export const CONTAINER_PREFIXES: readonly string[] = [
  CONTAINER_NAMESPACES,
  ...RESOURCE_ANNOTATIONS.map((name) => `${name}.`),
];

/** Every annotation that a pod with these containers can have under our prefix. */
export function knownAnnotations(containers: readonly string[]): readonly string[] {
  const ofContainers = CONTAINER_PREFIXES.flatMap((prefix) => containers.map((name) => `${prefix}${name}`));
  return [...POD_ANNOTATIONS, ...RESOURCE_ANNOTATIONS, ...ofContainers];
}

/** All of them, for people. */
export function tellAnnotations(): string {
  const both = RESOURCE_ANNOTATIONS.map((name) => `${name}[.CONTAINER]`);
  return [...POD_ANNOTATIONS, `${CONTAINER_NAMESPACES}CONTAINER`, ...both].join(", ");
}
