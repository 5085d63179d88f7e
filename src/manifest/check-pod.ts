// What a schema cannot say of a pod: names that must differ or refer to each other, paths, amounts, annotations.
// Takes any value, since the schema's faults are told together with these; a part of the wrong type is passed over.

import { faultOfImage, splitImage } from "../base/image-transports.ts";
import { nearestName } from "../base/nearest.ts";
import { parseBytes } from "./amounts.ts";
import { ANNOTATION_PREFIX, CONTAINER_PREFIXES, knownAnnotations, tellAnnotations } from "./annotations.ts";
import { checkNames } from "./check-names.ts";
import { checkAttendance, makeAttendanceRules } from "./check-probes.ts";
import { checkAmount, checkPodResources, checkResources } from "./check-resources.ts";
import { checkSecurity } from "./check-security.ts";
import { normalPath } from "./normal-path.ts";

/** Takes the JSON pointer of what is wrong, and why. */
export type Report = (pointer: string, message: string) => void;

/** Which images a manifest may name: directories alone, or those of registries as well, or whatever can be pulled. */
export type AllowedImages = "directories" | "named" | "any";

type Fields = Readonly<Record<string, unknown>>;

/** `lineOf` tells where a pointer's thing stands, for "first in line 7". */
export function checkPod(
  pod: unknown,
  images: AllowedImages,
  lineOf: (pointer: string) => number,
  report: Report,
): void {
  const spec = fields(fields(pod).spec);
  const containers = (["initContainers", "containers"] as const).flatMap((kind) =>
    list(spec[kind]).map((container, index) => ({ container: fields(container), pointer: `/spec/${kind}/${index}` })),
  );
  const names = containers.map(({ container }) => nameOf(container));
  const volumes = list(spec.volumes).map(fields);
  checkUnique(
    names,
    containers.map(({ pointer }) => `${pointer}/name`),
    lineOf,
    report,
  );
  checkUnique(volumes.map(nameOf), pointersBelow("/spec/volumes", volumes), lineOf, report);
  for (const [index, volume] of volumes.entries()) checkVolume(volume, images, `/spec/volumes/${index}`, report);
  const resources: Parameters<typeof checkPodResources>[1][number][] = [];
  for (const { container, pointer } of containers) {
    checkImage(container.image, images, `${pointer}/image`, report);
    const isEarly = pointer.startsWith("/spec/initContainers/");
    resources.push({
      role: isEarly ? (container.restartPolicy === "Always" ? "sidecar" : "init") : "main",
      amounts: checkResources(container.resources, `${pointer}/resources`, report),
      pointer: `${pointer}/resources`,
    });
    checkRestart(container, pointer, report);
    const mayBeProbed = !isEarly || container.restartPolicy === "Always";
    checkAttendance(container, pointer, makeAttendanceRules(spec, mayBeProbed), report);
    checkMounts(
      list(container.volumeMounts).map(fields),
      volumes.map(nameOf),
      `${pointer}/volumeMounts`,
      lineOf,
      report,
    );
  }
  checkPodResources(spec.resources, resources, report);
  if (spec.hostPID === true && spec.shareProcessNamespace === true) {
    report("/spec/shareProcessNamespace", "cannot be true together with hostPID: the processes are the host's already");
  }
  checkNames(pod, report);
  checkSecurity(pod, lineOf, report);
  checkAnnotations(fields(fields(fields(pod).metadata).annotations), names, report);
}

/** Where the names of a list stand. */
function pointersBelow(pointer: string, of: readonly unknown[]): readonly string[] {
  return of.map((_one, index) => `${pointer}/${index}/name`);
}

/** `pointers[i]` is where `names[i]` stands. */
function checkUnique(
  names: readonly (string | undefined)[],
  pointers: readonly string[],
  lineOf: (pointer: string) => number,
  report: Report,
): void {
  const seen = new Map<string, number>();
  names.forEach((name, index) => {
    if (name === undefined) return;
    const first = seen.get(name);
    if (first === undefined) seen.set(name, index);
    else
      report(pointers[index] ?? "", `${quote(name)} is there twice (first in line ${lineOf(pointers[first] ?? "")})`);
  });
}

function checkRestart(container: Fields, pointer: string, report: Report): void {
  if (list(container.restartPolicyRules).length > 0 && container.restartPolicy === undefined)
    report(`${pointer}/restartPolicyRules`, "needs restartPolicy beside it, which they are exceptions to");
}

function checkImage(image: unknown, allowed: AllowedImages, pointer: string, report: Report): void {
  if (typeof image !== "string" || image === "") return;
  const { transport } = splitImage(image);
  const fault = faultOfImage(image);
  if (transport !== "rootfs" && allowed === "directories")
    report(
      pointer,
      "must be rootfs: and a directory, such as rootfs:/containers/web: nothing is pulled inside of a pod image",
    );
  else if (fault !== undefined) report(pointer, fault);
  else if (allowed === "named" && transport !== "rootfs" && (transport !== "docker" || image.startsWith("docker://")))
    report(pointer, `${quote(image)} is not the name of an image, such as nginx:1.27; a directory is rootfs:./site`);
}

function checkVolume(volume: Fields, images: AllowedImages, pointer: string, report: Report): void {
  if (volume.image !== undefined && images !== "any")
    report(
      `${pointer}/image`,
      "cannot be in a pod image, in which nothing is pulled; copy the files into a member's image",
    );
  else checkImage(fields(volume.image).reference, images, `${pointer}/image/reference`, report);
  const sizeLimit = fields(volume.emptyDir).sizeLimit;
  checkAmount(sizeLimit, parseBytes, `${pointer}/emptyDir/sizeLimit`, report);
  const path = fields(volume.hostPath).path;
  if (typeof path === "string" && hasDotDot(path)) report(`${pointer}/hostPath/path`, "must not contain ..");
}

function checkMounts(
  mounts: readonly Fields[],
  volumes: readonly (string | undefined)[],
  pointer: string,
  lineOf: (pointer: string) => number,
  report: Report,
): void {
  const known = [...new Set(volumes.filter((name) => name !== undefined))];
  const seen = new Map<string, number>();
  mounts.forEach((mount, index) => {
    const name = nameOf(mount);
    if (name !== undefined && !known.includes(name))
      report(`${pointer}/${index}/name`, unknownName("volume", name, known));
    const at = `${pointer}/${index}/mountPath`;
    const path = mount.mountPath;
    if (typeof path !== "string" || !path.startsWith("/")) return;
    const normal = normalPath(path);
    const first = seen.get(normal);
    if (hasDotDot(path)) report(at, "must not contain ..");
    else if (normal === "/") report(at, "must not be / itself: that is the image");
    else if (first === undefined) seen.set(normal, index);
    else report(at, `${quote(normal)} is there twice (first in line ${lineOf(`${pointer}/${first}/mountPath`)})`);
  });
}

function checkAnnotations(annotations: Fields, containers: readonly (string | undefined)[], report: Report): void {
  const names = [...new Set(containers.filter((name) => name !== undefined))];
  const known = knownAnnotations(names);
  for (const key of Object.keys(annotations)) {
    if (!key.startsWith(ANNOTATION_PREFIX) || known.includes(key)) continue;
    const pointer = `/metadata/annotations/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const prefix = CONTAINER_PREFIXES.find((one) => key.startsWith(one));
    if (prefix !== undefined) {
      report(pointer, unknownName("container", key.slice(prefix.length), names));
      continue;
    }
    const nearest = nearestName(key, known);
    const more = nearest === undefined ? `allowed: ${tellAnnotations()}` : `did you mean ${quote(nearest)}?`;
    report(pointer, `unknown annotation; ${more}`);
  }
}

function unknownName(what: string, name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  const meant = nearest === undefined ? "" : `; did you mean ${quote(nearest)}?`;
  const list = known.length === 0 ? "there is none" : `there ${known.length === 1 ? "is" : "are"} ${known.join(", ")}`;
  return `no ${what} is called ${quote(name)}${meant}${meant === "" ? "; " : " "}${list}`;
}

function hasDotDot(path: string): boolean {
  return path.split("/").includes("..");
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function nameOf(thing: Fields): string | undefined {
  return typeof thing.name === "string" ? thing.name : undefined;
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
