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
/** With a container's name behind it: the namespaces of that container alone. */
export const CONTAINER_NAMESPACES = "peapod/namespaces.";

/** Every annotation that a pod with these containers can have under our prefix. */
export function knownAnnotations(containers: readonly string[]): readonly string[] {
  return [SHARE, TIME_OFFSETS, BACK_OFF, LOG_ATTEMPTS, ...containers.map((name) => `${CONTAINER_NAMESPACES}${name}`)];
}
