// From the user's manifest to the plan: reads what there is to read, then leaves the deciding to the plan room.

import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { PeapodError } from "../../base/errors.ts";
import { isPodName } from "../../base/names.ts";
import { IDS_DIR, makeCacheDir } from "../../base/paths.ts";
import { makeUuid } from "../../base/unique.ts";
import { checkMountTargets } from "../../bundle/check-mount-targets.ts";
import type { HostDevice } from "../../host/facts.ts";
import { readDevice } from "../../host/read-device.ts";
import { readHostFacts } from "../../host/read-facts.ts";
import { readPodIp } from "../../host/read-pod-ip.ts";
import { NETWORKS, PUBLISH } from "../../manifest/annotations.ts";
import { type ConfigObjects, redactSecrets } from "../../manifest/config-objects.ts";
import { makeStored, type StoredDocuments } from "../../manifest/make-generated.ts";
import type { DnsWords, Manifest } from "../../manifest/manifest.ts";
import { parsePod, type ReadPod, readPod } from "../../manifest/read-manifest.ts";
import { withSaidNames } from "../../manifest/said-names.ts";
import { listDevicePaths } from "../../plan/device-rules.ts";
import { makePlan, type PlanInput } from "../../plan/make-plan.ts";
import type { OuterContainer } from "../../plan/outer.ts";
import type { Plan } from "../../plan/plan.ts";
import { parseResolvConf } from "../../plan/resolv-conf.ts";
import { collectSecrets, type SecretParts } from "../../plan/secrets.ts";
import { assertUsers } from "../../plan/user.ts";
import { makePlace, makePointer } from "../../plan/where.ts";
import { findRuntime } from "../../runtime/find-runtime.ts";
import type { EngineOptions, PlanRequest } from "../engine.ts";
import type { Programs } from "../programs.ts";
import { findImages } from "./find-images.ts";
import { readHostFiles } from "./read-host-files.ts";

export interface PodPlan {
  readonly manifest: Manifest;
  /** What the user wrote. Tells no secret. */
  readonly stored: StoredDocuments;
  /** Tells no secret. */
  readonly plan: Plan;
  /** What it leaves out; undefined where there is nothing. Never to be written to a disk. */
  readonly secrets: SecretParts | undefined;
}

/** @throws BAD_MANIFEST, NOT_FOUND, NOT_SUPPORTED, RUNTIME_MISSING, HOST_LACKS */
export async function makePodPlan(options: EngineOptions, programs: Programs, request: PlanRequest): Promise<PodPlan> {
  const runtime = findRuntime(options.runtime, makeCacheDir(options.root));
  // Waited for below; a manifest that is wrong is told first.
  runtime.catch(() => undefined);
  const { outer, place } = await readOuter(request);
  const read = readRequested(request);
  const renamed = request.name === undefined ? read.manifest : rename(read.manifest, request.name);
  const named = place(request.names === undefined ? renamed : withSaidNames(renamed, request.names));
  const uid = request.uid ?? makeUuid();
  const facts = readHostFacts();
  const { manifest, ...network } = await readNetwork(named, request, options.root, uid, facts.user !== undefined);
  const devices = readDevices(manifest);
  if (outer !== undefined)
    (await import("../../plan/outer-privileges.ts")).assertGiven(manifest, outer.config, devices);
  const values = {
    objects: redactSecrets(read.objects),
    uid,
    overrides: new Map(Object.entries(request.env ?? {})),
    ...(outer === undefined ? {} : { podIp: readPodIp(outer.pid) }),
  };
  const { signal, tellPull } = request;
  const found = await findImages(manifest, { root: options.root, pulls: request.pulls ?? true, signal, tellPull });
  if (facts.user !== undefined) (await import("./assert-owned.ts")).assertOwned(found.containers, facts.user);
  const input: PlanInput = {
    manifest,
    images: found.containers,
    imageVolumes: found.volumes,
    facts,
    runtime: await runtime,
    root: options.root,
    cgroupDriver: options.cgroupDriver,
    reaperPath: programs.reaper,
    hostFiles: readHostFiles(),
    isInside: outer !== undefined,
    ...(await readProfiles(manifest, options.root)),
    devices,
    ...network,
    values,
  };
  const moveInto = outer === undefined ? undefined : (await import("../../plan/outer.ts")).moveInto;
  const decide = (objects: ConfigObjects, more: Partial<PlanInput>): Plan => {
    const plan = makePlan({ ...input, ...more, values: { ...values, objects } });
    return outer === undefined || moveInto === undefined ? plan : moveInto(plan, manifest, outer);
  };
  const plan = decide(values.objects, {});
  assertUsers(manifest, plan.containers);
  checkMountTargets(plan);
  const isMapped = plan.containers.some(({ idMapping }) => idMapping !== undefined);
  const finish = (more: Partial<PlanInput>, final: Plan): PodPlan => ({
    manifest,
    stored: makeStored(read, {
      ...request,
      ...(request.names === undefined ? {} : { resolved: readDns(final, manifest) }),
    }),
    plan: final,
    // Once more with what the Secrets hold: only where the two differ is a secret told.
    secrets: final.sandbox.vault === undefined ? undefined : collectSecrets(decide(read.objects, more)),
  });
  const withIds = (more: Partial<PlanInput>) => finish(more, decide(values.objects, more));
  if (!isMapped) return finish({}, plan);
  if (request.idsFile !== undefined) return withIds(await useIds(input, request.idsFile));
  return request.takesIds ? withOwnIds(input, plan.paths.dir, withIds) : finish({}, plan);
}

/** What the pod has of the host's network. In a caller's container that is the caller's, whatever the manifest says. */
async function readNetwork(
  manifest: Manifest,
  request: PlanRequest,
  root: string,
  uid: string,
  isUsers: boolean,
): Promise<Pick<PlanInput, "manifest" | "network" | "networks" | "netns" | "ports" | "uplink">> {
  if (request.outer !== undefined) return { manifest, uplink: "none" };
  const { chooseNetworks, forBundle } = await import("../../network/choose.ts");
  const text = manifest.metadata.annotations[NETWORKS];
  const said = chooseNetworks({
    ...(request.networks === undefined ? {} : { option: request.networks }),
    ...(request.usualNetwork === undefined ? {} : { environment: request.usualNetwork }),
    ...(text === undefined
      ? {}
      : { annotation: { text, place: makePlace(manifest.source, makePointer("metadata", "annotations", NETWORKS)) } }),
    hostNetwork: manifest.spec.hostNetwork,
  });
  const choice = request.isBundle ? forBundle(said) : said;
  // Nothing of what follows is loaded for a pod that has no part in it.
  const hasPorts =
    !request.isBundle &&
    (request.publish !== undefined ||
      manifest.metadata.annotations[PUBLISH] !== undefined ||
      manifest.spec.containers.some(hasHostPort));
  if (choice.mode === "none" && !hasPorts) return { manifest, uplink: "none" };
  if (isUsers && choice.mode === "default" && !hasPorts) return { manifest };
  return (await import("./plan-network.ts")).planNetwork({ manifest, request, root, uid, choice, isUsers });
}

function hasHostPort({ ports }: Manifest["spec"]["containers"][number]): boolean {
  return ports?.some(({ hostPort }) => hostPort !== undefined) ?? false;
}

/** The ids that no other pod has are known only once they are taken. */
async function withOwnIds(
  { root, facts }: PlanInput,
  podDir: string,
  decide: (more: Partial<PlanInput>) => PodPlan,
): Promise<PodPlan> {
  const { assertPassable, takeIds } = await import("../../host/id-ranges.ts");
  assertPassable(root);
  const { file, subordinateIds } = takeIds(IDS_DIR, facts.subordinateIds, podDir);
  try {
    return decide({ facts: { ...facts, subordinateIds }, idsFile: file });
  } catch (error) {
    (await import("../../host/claims.ts")).giveBack(file);
    throw error;
  }
}

async function useIds({ facts }: PlanInput, idsFile: string): Promise<Pick<PlanInput, "facts" | "idsFile">> {
  const { subordinateIds } = (await import("../../host/id-ranges.ts")).knownIds(idsFile);
  return { facts: { ...facts, subordinateIds }, idsFile };
}

async function readProfiles(manifest: Manifest, root: string): Promise<Partial<PlanInput>> {
  const needed = manifest.spec.containers.some(
    ({ securityContext }) => securityContext.seccompProfile?.type === "Localhost",
  );
  if (!needed) return {};
  const { readSeccompProfiles } = await import("./read-seccomp-profiles.ts");
  return { seccompProfiles: readSeccompProfiles(manifest, root) };
}

/** Anew with every plan: the numbers of a device that comes again may be others. */
function readDevices({ spec }: Manifest): ReadonlyMap<string, HostDevice> {
  const found = listDevicePaths(spec.volumes).flatMap((path) => readDevice(path) ?? []);
  return new Map(found.map((device) => [device.path, device]));
}

function readRequested({ file, stdinText, outer, configFiles = [], written }: PlanRequest): ReadPod {
  if (written !== undefined) return parsePod(written.text, { ...written, images: "any" });
  if (outer === undefined)
    return readPod(file, "any", { configFiles, ...(stdinText === undefined ? {} : { stdinText }) });
  const from = { file: outer.manifest, baseDir: dirname(outer.manifest), images: "directories" } as const;
  return parsePod(readFileSync(file, "utf8"), from);
}

interface Outer {
  readonly outer: OuterContainer | undefined;
  /** From the container's paths to the host's. */
  readonly place: (manifest: Manifest) => Manifest;
}

async function readOuter({ outer: request }: PlanRequest): Promise<Outer> {
  if (request === undefined) return { outer: undefined, place: (manifest) => manifest };
  const { placeInside, readOuterContainer } = await import("../outer/outer-container.ts");
  const outer = readOuterContainer(request.dir, request.pid);
  return { outer, place: (manifest) => placeInside(manifest, outer, request.bundle) };
}

/** What the resolv.conf of the pod's containers says. */
function readDns({ sandbox }: Plan, { spec }: Manifest): DnsWords {
  const textOf = (name: string) => sandbox.files.find(({ path }) => basename(path) === name)?.text;
  const text = spec.hostNetwork ? textOf("host-resolv.conf") : undefined;
  return parseResolvConf(text ?? textOf("resolv.conf") ?? "");
}

/** The pod's host name follows its name, unless the manifest names it. */
function rename(manifest: Manifest, name: string): Manifest {
  if (!isPodName(name)) throw new PeapodError("BAD_USAGE", `pod ${JSON.stringify(name)}: is not a name for a pod`);
  const named = manifest.source.lines["/spec/hostname"] !== undefined;
  return {
    ...manifest,
    metadata: { ...manifest.metadata, name },
    spec: named ? manifest.spec : { ...manifest.spec, hostname: name },
  };
}
