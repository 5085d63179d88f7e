// From the user's manifest to the plan: reads what there is to read, then leaves the deciding to the plan room.

import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { type ContainerName, isPodName } from "../base/names.ts";
import { makeCacheDir } from "../base/paths.ts";
import { checkMountTargets } from "../bundle/check-mount-targets.ts";
import { readHostFacts } from "../host/read-facts.ts";
import type { Image } from "../image/image.ts";
import { readImage } from "../image/read-image.ts";
import type { StoredDocuments } from "../manifest/make-generated.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { parsePod, type ReadPod, readPod } from "../manifest/read-manifest.ts";
import { makePlan } from "../plan/make-plan.ts";
import type { OuterContainer } from "../plan/outer.ts";
import type { Plan } from "../plan/plan.ts";
import { findRuntime } from "../runtime/find-runtime.ts";
import type { EngineOptions, PlanRequest } from "./engine.ts";
import type { Programs } from "./programs.ts";

export interface PodPlan {
  readonly manifest: Manifest;
  /** What the user wrote. */
  readonly stored: StoredDocuments;
  readonly plan: Plan;
}

/** @throws BAD_MANIFEST, NOT_FOUND, NOT_SUPPORTED, RUNTIME_MISSING, HOST_LACKS */
export async function makePodPlan(options: EngineOptions, programs: Programs, request: PlanRequest): Promise<PodPlan> {
  const runtime = findRuntime(options.runtime, makeCacheDir(options.root));
  // Waited for below; a manifest that is wrong is told first.
  runtime.catch(() => undefined);
  const { outer, place } = await readOuter(request);
  const { manifest: read, document } = readRequested(request);
  const manifest = place(request.name === undefined ? read : rename(read, request.name));
  const plan = makePlan({
    manifest,
    images: readImages(manifest),
    facts: readHostFacts(),
    runtime: await runtime,
    root: options.root,
    cgroupDriver: options.cgroupDriver,
    reaperPath: programs.reaper,
    resolvConf: readResolvConf(),
  });
  const moved = outer === undefined ? plan : (await import("../plan/outer.ts")).moveInto(plan, manifest, outer);
  checkMountTargets(moved);
  return { manifest, stored: { document }, plan: moved };
}

function readRequested({ file, stdinText, outer, written }: PlanRequest): ReadPod {
  if (written !== undefined) return parsePod(written.text, { ...written, images: "directories" });
  if (outer === undefined) return readPod(file, "directories", stdinText === undefined ? {} : { stdinText });
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

function readImages(manifest: Manifest): ReadonlyMap<ContainerName, Image> {
  const images = new Map<ContainerName, Image>();
  manifest.spec.containers.forEach((container) => {
    const line = manifest.source.lines[`${container.pointer}/image`];
    const where = line === undefined ? manifest.source.file : `${manifest.source.file}:${line}`;
    images.set(container.name, readImage(container.image, `container ${container.name}`, where));
  });
  return images;
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
