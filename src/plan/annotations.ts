// The annotations by which a manifest says more about namespaces than Kubernetes has words for. Text to data; what
// they mean together is decided in namespaces.ts.

import { PeapodError } from "../base/errors.ts";
import type { ContainerName } from "../base/names.ts";
import { CONTAINER_NAMESPACES, SHARE, TIME_OFFSETS } from "../manifest/annotations.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { NamespaceKind } from "./plan.ts";
import { NAMESPACE_KINDS } from "./plan.ts";
import { makePlace, makePointer } from "./where.ts";

/** Whose namespace a container has, as the manifest words it. */
export type Scope =
  | { readonly scope: "private" | "pod" | "host" }
  | { readonly scope: "container"; readonly container: ContainerName }
  | { readonly scope: "path"; readonly file: string };

/** What `peapod/share` asks: a list of its own, or changes to the default. */
export interface Share {
  readonly replaces: boolean;
  readonly add: ReadonlySet<NamespaceKind>;
  readonly remove: ReadonlySet<NamespaceKind>;
}

export type TimeOffsets = Readonly<Record<"monotonic" | "boottime", number>>;

const SHAREABLE = NAMESPACE_KINDS.filter((kind) => kind !== "mnt");

export function annotationPointer(name: string): string {
  return makePointer("metadata", "annotations", name);
}

/** A refusal that names the annotation and its line. */
export function refuse(
  code: "BAD_MANIFEST" | "NOT_SUPPORTED" | "HOST_LACKS",
  manifest: Manifest,
  name: string,
  message: string,
  hint?: string,
): PeapodError {
  const place = makePlace(manifest.source, annotationPointer(name));
  return new PeapodError(code, `annotation ${name}: ${message} (${place})`, hint === undefined ? {} : { hint });
}

/**
 * podman's words: `net,ipc,uts` is the whole list, `none` an empty one; with `+` in front the names are added to
 * Kubernetes' default. Ours beyond: `-` takes away, a sign holds until the next, and `user` and `time` can be named.
 */
export function parseShare(manifest: Manifest): Share | undefined {
  const text = manifest.metadata.annotations[SHARE]?.trim();
  if (text === undefined) return undefined;
  if (text === "" || text === "none") return { replaces: true, add: new Set(), remove: new Set() };
  const replaces = !/^[+-]/.test(text);
  const add = new Set<NamespaceKind>();
  const remove = new Set<NamespaceKind>();
  let sign = "+";
  for (const item of text.split(",").map((word) => word.trim())) {
    const signed = /^[+-]/.test(item);
    if (signed && replaces) {
      throw refuse(
        "BAD_MANIFEST",
        manifest,
        SHARE,
        `${item} changes the default, the names before it replace it`,
        "begin the list with + or -, or use no sign",
      );
    }
    if (signed) sign = item.slice(0, 1);
    const word = signed ? item.slice(1) : item;
    (sign === "+" ? add : remove).add(parseShareable(manifest, word));
  }
  for (const kind of add) {
    if (remove.has(kind)) throw refuse("BAD_MANIFEST", manifest, SHARE, `${kind} is both added and taken away`);
  }
  return { replaces, add, remove };
}

/** `net=private,pid=host,ipc=container:web,uts=path:/run/x` */
export function parseContainerScopes(manifest: Manifest, container: ContainerName): ReadonlyMap<NamespaceKind, Scope> {
  const name = `${CONTAINER_NAMESPACES}${container}`;
  const scopes = new Map<NamespaceKind, Scope>();
  const text = manifest.metadata.annotations[name];
  if (text === undefined) return scopes;
  for (const item of text.split(",").map((word) => word.trim())) {
    const [word = "", scope] = splitOnce(item, "=");
    const kind = NAMESPACE_KINDS.find((known) => known === word);
    if (kind === undefined || scope === undefined) {
      throw refuse(
        "BAD_MANIFEST",
        manifest,
        name,
        `${item || "an empty item"} is not KIND=SCOPE`,
        `kinds are ${NAMESPACE_KINDS.join(", ")}`,
      );
    }
    if (scopes.has(kind)) throw refuse("BAD_MANIFEST", manifest, name, `${kind} is given twice`);
    scopes.set(kind, parseScope(manifest, name, container, kind, scope));
  }
  return scopes;
}

/** `boottime=3600,monotonic=-5`, in seconds (time_namespaces(7)). */
export function parseTimeOffsets(manifest: Manifest): TimeOffsets | undefined {
  const text = manifest.metadata.annotations[TIME_OFFSETS];
  if (text === undefined) return undefined;
  const offsets = { monotonic: 0, boottime: 0 };
  const seen = new Set<string>();
  for (const item of text.split(",").map((word) => word.trim())) {
    const match = /^(monotonic|boottime)=([+-]?\d{1,9})$/.exec(item);
    if (match === null || seen.has(match[1] as string)) {
      throw refuse(
        "BAD_MANIFEST",
        manifest,
        TIME_OFFSETS,
        `${item || "an empty item"} is not an offset`,
        "write boottime=SECONDS,monotonic=SECONDS, each at most once",
      );
    }
    seen.add(match[1] as string);
    offsets[match[1] as keyof typeof offsets] = Number(match[2]);
  }
  return offsets;
}

function parseScope(manifest: Manifest, name: string, own: ContainerName, kind: NamespaceKind, text: string): Scope {
  if (text === "private" || text === "pod" || text === "host") return { scope: text };
  const [word, rest = ""] = splitOnce(text, ":");
  if (word === "container") {
    const container = manifest.spec.containers.find((other) => other.name === rest)?.name;
    if (container === undefined) throw refuse("BAD_MANIFEST", manifest, name, `${kind}: there is no container ${rest}`);
    if (container === own)
      throw refuse(
        "BAD_MANIFEST",
        manifest,
        name,
        `${kind}: ${own} cannot join itself`,
        `its own one is ${kind}=private`,
      );
    return { scope: "container", container };
  }
  if (word === "path") {
    if (!/^\/[^\0\n]*$/.test(rest))
      throw refuse("BAD_MANIFEST", manifest, name, `${kind}: ${rest || "nothing"} is not an absolute path`);
    return { scope: "path", file: rest };
  }
  throw refuse(
    "BAD_MANIFEST",
    manifest,
    name,
    `${kind}: ${text} is not a scope`,
    "scopes are private, pod, host, container:NAME and path:FILE",
  );
}

function parseShareable(manifest: Manifest, word: string): NamespaceKind {
  const kind = SHAREABLE.find((known) => known === word);
  if (kind !== undefined) return kind;
  if (word === "mnt") throw refuse("NOT_SUPPORTED", manifest, SHARE, MNT_REASON);
  if (word === "none") throw refuse("BAD_MANIFEST", manifest, SHARE, "none stands alone");
  throw refuse(
    "BAD_MANIFEST",
    manifest,
    SHARE,
    `${word || "an empty item"} is not a namespace`,
    `shareable are ${SHAREABLE.join(", ")}`,
  );
}

export const MNT_REASON =
  "a mount namespace cannot be shared: the runtime builds each container's root file system in one of its own and " +
  "would pivot its neighbour away; share files through a volume";

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
