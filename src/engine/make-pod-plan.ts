// From the user's manifest to the plan: reads what there is to read, then leaves the deciding to the plan room.

import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { isPodName } from "../base/names.ts";
import { IDS_DIR, makeCacheDir } from "../base/paths.ts";
import { makeUuid } from "../base/unique.ts";
import { checkMountTargets } from "../bundle/check-mount-targets.ts";
import { readHostFacts } from "../host/read-facts.ts";
import { readPodIp } from "../host/read-pod-ip.ts";
import { type ConfigObjects, redactSecrets } from "../manifest/config-objects.ts";
import { makeStored, type StoredDocuments } from "../manifest/make-generated.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { parsePod, type ReadPod, readPod } from "../manifest/read-manifest.ts";
import { makePlan, type PlanInput } from "../plan/make-plan.ts";
import type { OuterContainer } from "../plan/outer.ts";
import type { Plan } from "../plan/plan.ts";
import { collectSecrets, type SecretParts } from "../plan/secrets.ts";
import { assertUsers } from "../plan/user.ts";
import { findRuntime } from "../runtime/find-runtime.ts";
import type { EngineOptions, PlanRequest } from "./engine.ts";
import { findImages } from "./find-images.ts";
import type { Programs } from "./programs.ts";

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
  const manifest = place(request.name === undefined ? read.manifest : rename(read.manifest, request.name));
  if (outer !== undefined) (await import("../plan/outer-privileges.ts")).assertGiven(manifest, outer.config);
  const values = {
    objects: redactSecrets(read.objects),
    uid: request.uid ?? makeUuid(),
    overrides: new Map(Object.entries(request.env ?? {})),
    ...(outer === undefined ? {} : { podIp: readPodIp(outer.pid) }),
  };
  const { signal, tellPull } = request;
  const found = await findImages(manifest, { root: options.root, pulls: request.pulls ?? true, signal, tellPull });
  const input: PlanInput = {
    manifest,
    images: found.containers,
    imageVolumes: found.volumes,
    facts: readHostFacts(),
    runtime: await runtime,
    root: options.root,
    cgroupDriver: options.cgroupDriver,
    reaperPath: programs.reaper,
    resolvConf: readResolvConf(),
    ...(await readProfiles(manifest, options.root)),
    values,
  };
  const moveInto = outer === undefined ? undefined : (await import("../plan/outer.ts")).moveInto;
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
    stored: makeStored(read, request.env),
    plan: final,
    // Once more with what the Secrets hold: only where the two differ is a secret told.
    secrets: final.sandbox.vault === undefined ? undefined : collectSecrets(decide(read.objects, more)),
  });
  if (!request.takesIds || !isMapped) return finish({}, plan);
  return withOwnIds(input, plan.paths.dir, (more) => finish(more, decide(values.objects, more)));
}

/** The ids that no other pod has are known only once they are taken. */
async function withOwnIds(
  { root, facts }: PlanInput,
  podDir: string,
  decide: (more: Partial<PlanInput>) => PodPlan,
): Promise<PodPlan> {
  const { assertPassable, giveBackIds, takeIds } = await import("../host/id-ranges.ts");
  assertPassable(root);
  const { file, subordinateIds } = takeIds(IDS_DIR, facts.subordinateIds, podDir);
  try {
    return decide({ facts: { ...facts, subordinateIds }, idsFile: file });
  } catch (error) {
    giveBackIds(file);
    throw error;
  }
}

async function readProfiles(manifest: Manifest, root: string): Promise<Partial<PlanInput>> {
  const needed = manifest.spec.containers.some(
    ({ securityContext }) => securityContext.seccompProfile?.type === "Localhost",
  );
  if (!needed) return {};
  const { readSeccompProfiles } = await import("./read-seccomp-profiles.ts");
  return { seccompProfiles: readSeccompProfiles(manifest, root) };
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
  const { placeInside, readOuterContainer } = await import("./outer-container.ts");
  const outer = readOuterContainer(request.dir, request.pid);
  return { outer, place: (manifest) => placeInside(manifest, outer, request.bundle) };
}

/** The pod's host name follows its name, unless the manifest names it. */
function rename(manifest: Manifest, name: string): Manifest {
  if (!isPodName(name)) throw new PeapodError("BAD_USAGE", `pod ${JSON.stringify(name)}: is not a name for a pod`);
  const named = manifest.spec.hostname !== manifest.metadata.name;
  return {
    ...manifest,
    metadata: { ...manifest.metadata, name },
    spec: named ? manifest.spec : { ...manifest.spec, hostname: name },
  };
}

function readResolvConf(): string {
  try {
    return readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    return "";
  }
}
