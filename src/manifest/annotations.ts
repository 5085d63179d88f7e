// The annotations that peapod itself understands. What their values mean is the planner's business.

export const ANNOTATION_PREFIX = "peapod/";

/** In podman's words (`net,ipc,uts`), which namespaces the containers share. */
export const SHARE = "peapod/share";
/** Offsets of the time namespace's clocks. */
export const TIME_OFFSETS = "peapod/timeOffsets";
/** With a container's name behind it: the namespaces of that container alone. */
export const CONTAINER_NAMESPACES = "peapod/namespaces.";
/** Size of a container's log file before another is begun: `10Mi` unless told; `0`: no limit. */
export const LOG_MAX_SIZE = "peapod/logMaxSize";
/** Files of one log altogether; 5 unless told. */
export const LOG_MAX_FILES = "peapod/logMaxFiles";

/** Every annotation that a pod with these containers can have under our prefix. */
export function knownAnnotations(containers: readonly string[]): readonly string[] {
  return [
    SHARE,
    TIME_OFFSETS,
    LOG_MAX_SIZE,
    LOG_MAX_FILES,
    ...containers.map((name) => `${CONTAINER_NAMESPACES}${name}`),
  ];
}
