// What a user's pod cannot have, each refused with its reason: the machine's root alone may give it, or peapod cannot do it
// for users yet. Where no cgroup was handed down to him nothing can be limited either.

import { PeapodError } from "../base/errors.ts";
import type { ContainerName } from "../base/names.ts";
import type { HostFacts } from "../host/facts.ts";
import { RESOURCE_ANNOTATIONS } from "../manifest/annotations.ts";
import type { Manifest, Resources } from "../manifest/manifest.ts";
import type { PlannedContainer, PlannedResources, PodCgroup } from "./plan.ts";
import { securityPointer } from "./security-pointer.ts";
import { isWritten, makeContainerPointer, makePlace, makePointer } from "./where.ts";

const HINT = "docs/rootless.md says what users' pods can do";

/** @throws NOT_SUPPORTED, HOST_LACKS; each names file and line */
export function assertForUser(manifest: Manifest, facts: HostFacts, driver: PodCgroup["driver"]): void {
  const { user } = facts;
  if (user === undefined) return;
  if (driver === "systemd")
    throw new PeapodError("NOT_SUPPORTED", "cgroup driver systemd: is for root's pods", {
      hint: "leave it out: a user's pods take the cgroup that systemd handed down to him, where it did",
    });
  if (user.cgroup === undefined) assertNoLimits(manifest);
  assertVolumes(manifest);
}

function assertNoLimits(manifest: Manifest): void {
  const refuse = (whose: string, pointer: string) => {
    const place = makePlace(manifest.source, pointer);
    throw new PeapodError(
      "HOST_LACKS",
      `${whose}: cannot be limited, no cgroup of this machine was handed down to you (${place})`,
      {
        hint: "with cgroup version 2 and systemd: systemd-run --user --scope -p Delegate=yes peapod ...; see docs/rootless.md",
      },
    );
  };
  const check = (whose: string, resources: Resources | undefined, pointer: string) => {
    if (resources !== undefined && hasLimits(resources)) refuse(whose, pointer);
  };
  check("pod", manifest.spec.resources, "/spec/resources/limits");
  manifest.spec.containers.forEach(({ name, resources }, index) => {
    check(`container ${name}`, resources, makeContainerPointer(manifest, index, "resources", "limits"));
  });
  for (const name of Object.keys(manifest.metadata.annotations)) {
    if (RESOURCE_ANNOTATIONS.some((one) => name === one || name.startsWith(`${one}.`)))
      refuse(`annotation ${name}`, makePointer("metadata", "annotations", name));
  }
}

function hasLimits({ cpuLimitMilli, memoryLimitBytes, hugepages }: Resources): boolean {
  return cpuLimitMilli !== undefined || memoryLimitBytes !== undefined || Object.keys(hugepages ?? {}).length > 0;
}

/** Requests too: nobody could hold them. */
export function withoutLimits({ resources, ...rest }: PlannedContainer): PlannedContainer {
  const { oomScoreAdj } = resources;
  const none: PlannedResources = {
    cpuShares: undefined,
    cpuQuotaUs: undefined,
    cpuPeriodUs: undefined,
    memoryLimitBytes: undefined,
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
  };
  return { ...rest, resources: none };
}

/** The ids are mapped once already, and the kernel lets only the file system's owner show them otherwise (idmapped mounts). */
function assertOneUserNamespace(manifest: Manifest, containers: readonly PlannedContainer[]): void {
  const asking = containers.find(({ role, namespaces }) => role !== "pause" && namespaces.user.scope !== "host");
  if (asking === undefined) return;
  const why = asking.reasons["namespaces.user"]?.where ?? makePlace(manifest.source, "/spec/hostUsers");
  throw new PeapodError(
    "NOT_SUPPORTED",
    `container ${asking.name}: is in your user namespace already, and gets no second one (${why})`,
    { hint: "leave it out: root in the pod is nobody but you outside" },
  );
}

function assertVolumes(manifest: Manifest): void {
  manifest.spec.volumes.forEach((volume, index) => {
    const place = makePlace(manifest.source, makePointer("spec", "volumes", index));
    const refuse = (why: string, hint: string) => {
      throw new PeapodError("NOT_SUPPORTED", `volume ${volume.name}: ${why} (${place})`, { hint });
    };
    if (volume.kind !== "emptyDir") return;
    if (volume.medium === "" && volume.sizeLimitBytes !== undefined)
      refuse(
        "a size on disk is a file system of its own, which only root may mount",
        "medium: Memory takes a sizeLimit",
      );
    if (volume.medium.startsWith("HugePages"))
      refuse("only root may mount huge pages", "medium Memory is a tmpfs of ordinary pages");
  });
}

/** What depends on more than one field. @throws BAD_MANIFEST for ids beyond those that the user has, NOT_SUPPORTED */
export function assertWithinUser(
  manifest: Manifest,
  { user }: HostFacts,
  containers: readonly PlannedContainer[],
): void {
  if (user === undefined) return;
  assertOneUserNamespace(manifest, containers);
  manifest.spec.containers.forEach(({ name }, index) => {
    const planned = containers.find((one) => one.name === name);
    if (planned === undefined) return;
    const { uid, gid, additionalGids } = planned.process;
    assertId(manifest, index, name, "runAsUser", [uid], user.uids);
    assertId(manifest, index, name, "runAsGroup", [gid], user.gids);
    assertId(manifest, index, name, "supplementalGroups", additionalGids, user.gids);
  });
}

function assertId(
  manifest: Manifest,
  index: number,
  name: ContainerName,
  field: string,
  ids: readonly number[],
  count: number,
): void {
  const bad = ids.find((id) => id >= count);
  if (bad === undefined) return;
  const pointer = securityPointer(manifest, index, field);
  const at = isWritten(manifest.source, pointer) ? pointer : makeContainerPointer(manifest, index, "image");
  throw new PeapodError(
    "BAD_MANIFEST",
    `container ${name}: id ${bad} is not among yours, which are ${count} from 0 on (${makePlace(manifest.source, at)})`,
    { hint: `/etc/subuid and /etc/subgid give ids; ${HINT}` },
  );
}
