// How a volume is mounted into a container: who may write, and whether mounts made later are passed on.

import { PeapodError } from "../base/errors.ts";
import type { HostFacts } from "../host/facts.ts";
import type { Container, Manifest, VolumeMount } from "../manifest/manifest.ts";
import type { PlannedVolume, RuntimeChoice } from "./plan.ts";
import { isAtLeast } from "./runtime-abilities.ts";
import { makePlace } from "./where.ts";

export interface MountWish {
  readonly manifest: Manifest;
  readonly container: Container;
  readonly facts: HostFacts;
  readonly runtime: RuntimeChoice;
  /** The container has a user namespace. */
  readonly isMapped: boolean;
}

/** runtime-spec's `rro`, by mount_setattr(2): Linux 5.12; runc knows it from 1.1 on, crun from 1.4. */
const RECURSIVE = { kernel: "5.12", runc: "1.1", crun: "1.4" };
const PROPAGATION = { HostToContainer: "rslave", Bidirectional: "rshared" } as const;

/** @throws HOST_LACKS where recursiveReadOnly Enabled cannot be had */
export function makeMountOptions(
  wish: MountWish,
  mount: VolumeMount,
  volume: PlannedVolume,
  pointer: string,
): string[] {
  const propagation = mount.mountPropagation === undefined ? "rprivate" : PROPAGATION[mount.mountPropagation];
  const access = makeAccess(wish, mount, volume, pointer);
  return ["rbind", propagation, ...makeFlags(wish, volume, access), access];
}

function makeFlags({ isMapped, facts }: MountWish, volume: PlannedVolume, access: string): string[] {
  // As Kubernetes mounts images; whoever made one has no say in what runs here.
  if (volume.kind === "image") return ["nosuid", "nodev", "noexec"];
  // A user namespace may make a mount read-only, but not drop these flags on the way, which our own mounts have.
  if (isMapped) return access === "ro" ? ["nosuid", "nodev"] : [];
  // With any flag at all the runtime sets all of them anew, so that a program in it runs though /run is noexec, as on
  // Debian. A user may not.
  const isOurs = volume.kind === "directory" || volume.kind === "named";
  return isOurs && access === "rw" && facts.user === undefined ? ["relatime"] : [];
}

function makeAccess(wish: MountWish, mount: VolumeMount, volume: PlannedVolume, pointer: string): string {
  const asked = wish.manifest.spec.volumes.find(({ name }) => name === volume.name);
  const isReadOnly =
    mount.readOnly || volume.kind === "files" || volume.kind === "image" || (asked?.kind === "claim" && asked.readOnly);
  if (!isReadOnly) return "rw";
  const { facts, runtime, container, manifest, isMapped } = wish;
  const hasKernel = isAtLeast(facts.kernel, RECURSIVE.kernel);
  const hasAll = hasKernel && isAtLeast(runtime.version, RECURSIVE[runtime.kind]);
  // Nobody in a user namespace knows which flags of the host's he would have to keep; with this one all are.
  if (mount.recursiveReadOnly === undefined) return isMapped && volume.kind === "host" && hasAll ? "rro" : "ro";
  if (hasAll) return "rro";
  if (mount.recursiveReadOnly === "IfPossible") return "ro";
  const who = hasKernel ? `${runtime.kind} ${runtime.version}` : `Linux ${facts.kernel}`;
  const place = makePlace(manifest.source, `${pointer}/recursiveReadOnly`);
  throw new PeapodError(
    "HOST_LACKS",
    `container ${container.name}: ${who} cannot mount read-only what is mounted below (${place})`,
    { hint: `it takes Linux ${RECURSIVE.kernel}, and runc ${RECURSIVE.runc} or crun ${RECURSIVE.crun}` },
  );
}
