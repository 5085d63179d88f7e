// The user's text → a checked, frozen Manifest, or one BAD_MANIFEST with everything that is wrong in it.
// Whatever the text holds, nothing else is thrown and nothing hangs.

import { nearestName } from "../base/nearest.ts";
import { type Violation, validate } from "../base/validate.ts";
import type { PodDocument } from "../generated/pod.ts";
import { checkConfigObject } from "./check-config-object.ts";
import { type AllowedImages, checkPod } from "./check-pod.ts";
import { checkSources } from "./check-sources.ts";
import { type ConfigObject, type ConfigObjects, makeConfigObject, objectKey } from "./config-objects.ts";
import { badManifest, formatPath, wholeFault } from "./faults.ts";
import { fields, list } from "./loose-fields.ts";
import { makeManifest } from "./make-manifest.ts";
import type { Fault, Manifest } from "./manifest.ts";
import type { NormalDocument } from "./normal-document.ts";
import { type ConfigText, MAX_KIB, type ReadMore, readWritten } from "./read-written.ts";
import { parseSource } from "./source.ts";
import type { Finding, Position, SourceDocument } from "./source-document.ts";
import type { ObjectKind } from "./sources.ts";

const MAX_DOCUMENTS = 100;

/** A manifest, and the user's own documents that it was made of. */
export interface ReadPod {
  readonly manifest: Manifest;
  readonly document: PodDocument;
  /** The ConfigMaps and Secrets that came with it. */
  readonly objects: ConfigObjects;
  /** Their documents. */
  readonly companions: readonly unknown[];
}

/**
 * The manifest in a file, or on standard input (`-`).
 * @throws BAD_MANIFEST, NOT_FOUND, NOT_PERMITTED
 */
export function readManifest(path: string, more: { readonly stdinText?: string } = {}): Manifest {
  return readPod(path, "directories", more).manifest;
}

/** @throws BAD_MANIFEST, NOT_FOUND, NOT_PERMITTED */
export function readPod(path: string, images: AllowedImages, more: ReadMore = {}): ReadPod {
  const { text, ...from } = readWritten(path, more);
  return parsePod(text, { ...from, images });
}

/**
 * The manifest that a text says; `file` is what faults call it, relative images start from `baseDir`.
 * @throws BAD_MANIFEST with Fault[] as its detail
 */
export function parseManifest(text: string, from: { readonly file: string; readonly baseDir: string }): Manifest {
  return parsePod(text, { ...from, images: "directories" }).manifest;
}

/** @throws BAD_MANIFEST with Fault[] as its detail */
export function parsePod(text: string, from: PodText): ReadPod {
  const { file, baseDir, images } = from;
  const documents = parseDocuments(file, text);
  const configs = [
    ...documents.filter(({ value }) => isConfigKind(kindOf(value))).map((document) => ({ file, document })),
    ...(from.configTexts ?? []).flatMap((one) =>
      parseDocuments(one.file, one.text).map((document) => ({ file: one.file, document })),
    ),
  ];
  const { known, faults } = readConfigs(configs);
  const pods = documents.filter(({ value }) => kindOf(value) === "Pod");
  const others = documents.filter(({ value }) => !isConfigKind(kindOf(value)));
  const findings = others.flatMap((document) => checkDocument(document, images, known));
  const [pod, second] = pods;
  if (pod !== undefined && second !== undefined) {
    const first = placeOf(pod.places, "/kind").line;
    findings.push(
      finding(second, "/kind", `is a second Pod (the first is in line ${first}); put each in a file of its own`),
    );
  }
  faults.push(...findings.map((one) => asFault(file, one)));
  if (faults.length > 0) throw badManifest(faults);
  if (pod === undefined) throw badManifest([wholeFault(file, "holds no document; a manifest is a v1 Pod")]);
  const written = [...pod.places].filter(([pointer]) => !pod.emptyFields.has(pointer));
  const lines = Object.fromEntries(written.map(([pointer, { line }]) => [pointer, line]));
  const document = pod.value as PodDocument;
  return {
    manifest: makeManifest(document, { file, baseDir, lines }),
    document,
    objects: known as ConfigObjects,
    companions: configs.map((one) => one.document.value),
  };
}

export interface PodText {
  readonly file: string;
  readonly baseDir: string;
  readonly images: AllowedImages;
  readonly configTexts?: readonly ConfigText[];
}

function parseDocuments(file: string, text: string): readonly NormalDocument[] {
  if (text.length > MAX_KIB * 1024) throw badManifest([wholeFault(file, `is larger than ${MAX_KIB} KiB`)]);
  const documents = parseSource(text.startsWith("\ufeff") ? text.slice(1) : text);
  if (documents.length <= MAX_DOCUMENTS) return documents;
  throw badManifest([wholeFault(file, `holds more than ${MAX_DOCUMENTS} documents`)]);
}

function asFault(file: string, { pointer, message, at }: Finding): Fault {
  return { file, ...at, path: formatPath(pointer), message };
}

interface ConfigSource {
  readonly file: string;
  readonly document: NormalDocument;
}

function isConfigKind(kind: string | undefined): kind is ObjectKind {
  return kind === "ConfigMap" || kind === "Secret";
}

/** By kind and name; undefined where the document is faulty. Of two with one name the second is a fault, unless it says the same. */
function readConfigs(configs: readonly ConfigSource[]) {
  const known = new Map<string, ConfigObject | undefined>();
  const firsts = new Map<string, { readonly place: string; readonly text: string }>();
  const faults: Fault[] = [];
  for (const { file, document } of configs) {
    const { value, places: at } = document;
    const kind = kindOf(value);
    if (!isConfigKind(kind)) {
      const faultsOfIt = document.isWhole
        ? [finding(document, "/kind", "must be ConfigMap or Secret; a Pod has a file of its own")]
        : document.findings;
      faults.push(...faultsOfIt.map((one) => asFault(file, one)));
      continue;
    }
    const findings = document.findings.map((one) => (kind === "Secret" ? withoutValue(one) : one));
    const faulty = new Set(findings.map(({ pointer }) => pointer));
    checkConfigObject(value, kind, (pointer, message) => {
      if (!faulty.has(pointer)) findings.push(finding(document, pointer, message));
      faulty.add(pointer);
    });
    const { name } = (value as { metadata?: { name?: unknown } }).metadata ?? {};
    if (typeof name === "string") {
      const key = objectKey(kind, name);
      const first = firsts.get(key);
      const text = JSON.stringify(value);
      if (first === undefined) {
        firsts.set(key, { place: `${file}:${placeOf(at, "/metadata/name").line}`, text });
        known.set(key, findings.length === 0 ? makeConfigObject(value) : undefined);
      } else if (first.text !== text)
        findings.push(finding(document, "/metadata/name", `is a second ${kind} ${name} (the first is ${first.place})`));
    }
    faults.push(...findings.map((one) => asFault(file, one)));
  }
  return { known, faults };
}

/** What is doubtful YAML in a Secret is told without the text itself. */
function withoutValue(one: Finding): Finding {
  if (!/^\/(data|stringData)\//.test(one.pointer)) return one;
  return { ...one, message: "is not plainly a string; put it in quotes" };
}

function checkDocument(
  document: NormalDocument,
  images: AllowedImages,
  known: ReadonlyMap<string, ConfigObject | undefined>,
): readonly Finding[] {
  const { value, places, isWhole } = document;
  if (!isWhole) return document.findings;
  const refusal = refuseKind(value);
  if (refusal !== undefined) return [...document.findings, finding(document, refusal.pointer, refusal.message)];
  const findings = [...document.findings];
  // What is wrong already is not told twice.
  const faulty = new Set(findings.map(({ pointer }) => pointer));
  const report = (pointer: string, message: string): void => {
    if (faulty.has(pointer)) return;
    faulty.add(pointer);
    findings.push(finding(document, pointer, message));
  };
  for (const { pointer, message, kind } of validate("pod", value).map((one) => tellEmpty(one, document))) {
    // What a refused merge key would have brought is not missing.
    const isMerged = kind === "missing" && faulty.has(`${pointer.slice(0, pointer.lastIndexOf("/"))}/<<`);
    if (!isMerged) report(pointer, message);
  }
  checkPod(value, images, (pointer) => placeOf(places, pointer).line, report);
  checkSources(value, known, report);
  return findings;
}

/** What is missing since it has no value is told where it stands. */
function tellEmpty(violation: Violation, { value, emptyFields }: NormalDocument): Violation {
  const { kind, pointer } = violation;
  if (kind === "missing" && emptyFields.has(pointer))
    return { ...violation, message: "is missing: it is there without a value" };
  const [, index] = /^\/spec\/volumes\/(\d+)$/.exec(pointer) ?? [];
  if (kind !== "combination" || index === undefined || !emptyFields.has(`${pointer}/emptyDir`)) return violation;
  const volume = list(fields(fields(value).spec).volumes)[Number(index)];
  if (Object.keys(fields(volume)).some((field) => field !== "name")) return violation;
  const message = "has no value, which counts as absent; write `emptyDir: {}`";
  return { ...violation, pointer: `${pointer}/emptyDir`, message };
}

const WORKLOADS = ["CronJob", "DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"];

/** Why a document is no Pod at all; a document without a kind is taken for one, so that all its faults are told. */
function refuseKind(value: unknown): { pointer: string; message: string } | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { pointer: "", message: "must be a map with apiVersion, kind, metadata and spec" };
  }
  const kind = kindOf(value);
  if (kind === undefined || kind === "Pod") return undefined;
  const pointer = "/kind";
  if (WORKLOADS.includes(kind))
    return { pointer, message: `must be Pod, is ${kind}; take the pod out of its template` };
  const meant = nearestName(kind, ["Pod"]) === undefined ? "" : "; did you mean Pod?";
  return { pointer, message: `must be Pod, is ${JSON.stringify(kind.slice(0, 40))}${meant}` };
}

function kindOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("kind" in value)) return undefined;
  return typeof value.kind === "string" ? value.kind : undefined;
}

function finding({ places }: SourceDocument, pointer: string, message: string): Finding {
  return { pointer, message, at: placeOf(places, pointer) };
}

/** Where a thing stands; what is missing stands where its nearest holder does. */
function placeOf(places: ReadonlyMap<string, Position>, pointer: string): Position {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const place = places.get(at);
    if (place !== undefined) return place;
    if (at === "") return { line: 1, column: 1 };
  }
}
