// What a schema cannot say of env, envFrom, volumes and their mounts: references to ConfigMaps, Secrets, fields and
// resources must lead somewhere, paths must stay inside, and some fields exclude each other.

import { nearestName } from "../base/nearest.ts";
import type { Report } from "./check-pod.ts";
import type { ConfigObject } from "./config-objects.ts";
import { objectKey } from "./config-objects.ts";
import { faultOfDivisor, faultOfField, faultOfResource } from "./field-path.ts";
import { type Fields, fields, list, quote, textOf } from "./loose-fields.ts";
import type { ObjectKind } from "./sources.ts";

/** What came with the pod; undefined: it is there, and its own faults are told elsewhere. */
export type KnownObjects = ReadonlyMap<string, ConfigObject | undefined>;

interface Checking {
  readonly objects: KnownObjects;
  readonly containers: readonly string[];
  readonly report: Report;
}

export function checkSources(pod: unknown, objects: KnownObjects, report: Report): void {
  const spec = fields(fields(pod).spec);
  const lists = ["initContainers", "containers"].map((word) => ({ word, all: list(spec[word]).map(fields) }));
  const containers = lists.flatMap(({ all }) => all.flatMap((one) => textOf(one.name) ?? []));
  const checking = { objects, containers, report };
  list(spec.volumes).forEach((volume, index) => {
    checkVolume(checking, fields(volume), `/spec/volumes/${index}`);
  });
  for (const { word, all } of lists) {
    all.forEach((container, index) => {
      const pointer = `/spec/${word}/${index}`;
      list(container.env).forEach((one, at) => {
        checkVariable(checking, fields(one), `${pointer}/env/${at}`);
      });
      list(container.envFrom).forEach((one, at) => {
        checkEnvFrom(checking, fields(one), `${pointer}/envFrom/${at}`);
      });
      const isPrivileged = fields(container.securityContext).privileged === true;
      list(container.volumeMounts).forEach((mount, at) => {
        checkMount(fields(mount), isPrivileged, `${pointer}/volumeMounts/${at}`, report);
      });
    });
  }
}

function checkVariable(checking: Checking, variable: Fields, pointer: string): void {
  if (variable.valueFrom === undefined) return;
  const from = fields(variable.valueFrom);
  if (variable.value !== undefined && variable.value !== "")
    checking.report(`${pointer}/valueFrom`, "cannot stand beside a value");
  checkKey(checking, "ConfigMap", from.configMapKeyRef, `${pointer}/valueFrom/configMapKeyRef`);
  checkKey(checking, "Secret", from.secretKeyRef, `${pointer}/valueFrom/secretKeyRef`);
  checkField(checking, from.fieldRef, "env", `${pointer}/valueFrom/fieldRef`);
  checkResource(checking, from.resourceFieldRef, "env", `${pointer}/valueFrom/resourceFieldRef`);
}

/** A variable is text without NUL (execve(2)). */
function faultOfVariable(object: ConfigObject, key: string): string | undefined {
  const content = object.data.get(key);
  if (content === undefined || !("text" in content)) return "is not text, and cannot be an environment variable";
  return content.text.includes("\0") ? "has a NUL in it, and cannot be an environment variable" : undefined;
}

function checkKey({ objects, report }: Checking, kind: ObjectKind, written: unknown, pointer: string): void {
  const { name, key, optional } = fields(written);
  if (typeof name !== "string" || typeof key !== "string") return;
  const object = findObject({ objects, report }, kind, name, optional === true, `${pointer}/name`);
  if (object === undefined) return;
  if (!object.data.has(key)) {
    if (optional !== true) report(`${pointer}/key`, noKey(object, key));
    return;
  }
  const fault = faultOfVariable(object, key);
  if (fault !== undefined) report(`${pointer}/key`, `${kind} ${name}: key ${quote(key)} ${fault}`);
}

function checkEnvFrom({ objects, report }: Checking, source: Fields, pointer: string): void {
  for (const [field, kind] of [["configMapRef", "ConfigMap"] as const, ["secretRef", "Secret"] as const]) {
    const { name, optional } = fields(source[field]);
    if (typeof name !== "string") continue;
    const object = findObject({ objects, report }, kind, name, optional === true, `${pointer}/${field}/name`);
    for (const [key, content] of object?.data ?? []) {
      if (kind === "ConfigMap" && "base64" in content) continue;
      const fault = object === undefined ? undefined : faultOfVariable(object, key);
      if (fault !== undefined) report(`${pointer}/${field}/name`, `${kind} ${name}: key ${quote(key)} ${fault}`);
    }
  }
}

function checkField({ report }: Checking, written: unknown, use: "env" | "file", pointer: string): void {
  const path = textOf(fields(written).fieldPath);
  const fault = path === undefined ? undefined : faultOfField(path, use);
  if (fault !== undefined) report(`${pointer}/fieldPath`, fault);
}

function checkResource({ containers, report }: Checking, written: unknown, use: "env" | "file", pointer: string): void {
  const { resource, divisor, containerName } = fields(written);
  if (typeof resource !== "string") return;
  const fault = faultOfResource(resource);
  if (fault !== undefined) report(`${pointer}/resource`, fault);
  else if (typeof divisor === "string" || typeof divisor === "number") {
    const wrong = faultOfDivisor(resource, String(divisor));
    if (wrong !== undefined) report(`${pointer}/divisor`, wrong);
  }
  if (typeof containerName === "string" && !containers.includes(containerName))
    report(`${pointer}/containerName`, `no container is called ${quote(containerName)}`);
  if (containerName === undefined && use === "file")
    report(`${pointer}/containerName`, "is missing: a file belongs to no container");
}

function checkVolume(checking: Checking, volume: Fields, pointer: string): void {
  const configMap = fields(volume.configMap);
  checkFiles(checking, "ConfigMap", configMap, configMap.name, `${pointer}/configMap`, "name");
  const secret = fields(volume.secret);
  checkFiles(checking, "Secret", secret, secret.secretName, `${pointer}/secret`, "secretName");
  checkDownward(checking, fields(volume.downwardAPI), `${pointer}/downwardAPI`);
  const projected = fields(volume.projected);
  list(projected.sources).forEach((one, index) => {
    const source = fields(one);
    const at = `${pointer}/projected/sources/${index}`;
    checkFiles(
      checking,
      "ConfigMap",
      fields(source.configMap),
      fields(source.configMap).name,
      `${at}/configMap`,
      "name",
    );
    checkFiles(checking, "Secret", fields(source.secret), fields(source.secret).name, `${at}/secret`, "name");
    checkDownward(checking, fields(source.downwardAPI), `${at}/downwardAPI`);
  });
}

function checkFiles(
  { objects, report }: Checking,
  kind: ObjectKind,
  written: Fields,
  name: unknown,
  pointer: string,
  field: string,
): void {
  if (typeof name !== "string") return;
  const optional = written.optional === true;
  const object = findObject({ objects, report }, kind, name, optional, `${pointer}/${field}`);
  const paths = new Set<string>();
  list(written.items).forEach((one, index) => {
    const { key, path } = fields(one);
    const at = `${pointer}/items/${index}`;
    if (typeof path === "string") checkPath(path, paths, `${at}/path`, report);
    if (typeof key === "string" && object !== undefined && !object.data.has(key) && !optional)
      report(`${at}/key`, noKey(object, key));
  });
}

function checkDownward(checking: Checking, written: Fields, pointer: string): void {
  const paths = new Set<string>();
  list(written.items).forEach((one, index) => {
    const { path, fieldRef, resourceFieldRef } = fields(one);
    const at = `${pointer}/items/${index}`;
    if (typeof path === "string") checkPath(path, paths, `${at}/path`, checking.report);
    checkField(checking, fieldRef, "file", `${at}/fieldRef`);
    checkResource(checking, resourceFieldRef, "file", `${at}/resourceFieldRef`);
  });
}

function checkPath(path: string, seen: Set<string>, pointer: string, report: Report): void {
  const fault = faultOfPath(path);
  if (fault !== undefined) report(pointer, fault);
  else if (seen.has(path)) report(pointer, `${quote(path)} is there twice`);
  seen.add(path);
}

/** Kubernetes' rule; names that begin with two dots are the volume's own. */
function faultOfPath(path: string): string | undefined {
  if (path === "") return "must not be empty";
  if (path.startsWith("/")) return "must be relative";
  if (path.split("/").includes("..")) return "must not contain ..";
  if (path.startsWith("..")) return "must not begin with ..";
  if (path.includes("\0")) return "must not contain a NUL character";
  return path.split("/").some((part) => part === "" || part === ".") ? "must not contain empty parts" : undefined;
}

const PROPAGATED = ["HostToContainer", "Bidirectional"];

function checkMount(mount: Fields, isPrivileged: boolean, pointer: string, report: Report): void {
  const { subPath, subPathExpr, recursiveReadOnly, mountPropagation, readOnly } = mount;
  for (const [field, path] of Object.entries({ subPath, subPathExpr })) {
    if (typeof path !== "string") continue;
    if (path.startsWith("/")) report(`${pointer}/${field}`, "must be relative: it is a path in the volume");
    else if (path.split("/").includes("..")) report(`${pointer}/${field}`, "must not contain ..");
  }
  if (subPath !== undefined && subPath !== "" && subPathExpr !== undefined && subPathExpr !== "")
    report(`${pointer}/subPathExpr`, "cannot stand beside subPath");
  if (mountPropagation === "Bidirectional" && !isPrivileged)
    report(`${pointer}/mountPropagation`, "Bidirectional is for privileged containers only");
  if (recursiveReadOnly !== "IfPossible" && recursiveReadOnly !== "Enabled") return;
  if (readOnly !== true) report(`${pointer}/recursiveReadOnly`, "needs readOnly: true beside it");
  else if (typeof mountPropagation === "string" && PROPAGATED.includes(mountPropagation))
    report(`${pointer}/recursiveReadOnly`, "needs mountPropagation: None");
}

/** Undefined also where its own faults are told elsewhere. */
function findObject(
  { objects, report }: Pick<Checking, "objects" | "report">,
  kind: ObjectKind,
  name: string,
  optional: boolean,
  pointer: string,
): ConfigObject | undefined {
  const key = objectKey(kind, name);
  if (objects.has(key)) return objects.get(key);
  if (optional) return undefined;
  const names = [...objects.keys()]
    .filter((one) => one.startsWith(`${kind} `))
    .map((one) => one.slice(kind.length + 1));
  const nearest = nearestName(name, names);
  const meant = nearest === undefined ? "" : `; did you mean ${quote(nearest)}?`;
  const there = names.length === 0 ? "there is none" : `there ${names.length === 1 ? "is" : "are"} ${names.join(", ")}`;
  report(pointer, `no ${kind} is called ${quote(name)}${meant || `; ${there}`}`);
  return undefined;
}

function noKey(object: ConfigObject, key: string): string {
  const keys = [...object.data.keys()];
  const nearest = nearestName(key, keys);
  const meant = nearest === undefined ? "" : `; did you mean ${quote(nearest)}?`;
  const there = keys.length === 0 ? "it has none" : `it has ${keys.slice(0, 20).join(", ")}`;
  return `${object.kind} ${object.name} has no key ${quote(key)}${meant || `; ${there}`}`;
}
