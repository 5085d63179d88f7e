// Names the line of the user's text behind a decision: `pod.yaml:14 spec.containers[0].command`.

import type { Manifest, ManifestSource } from "../manifest/manifest.ts";
import type { Reason } from "./plan.ts";

/** A JSON pointer (RFC 6901) from keys and indexes. */
export function makePointer(...parts: readonly (string | number)[]): string {
  return parts.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The JSON pointer of something of a container's; `index` counts manifest.spec.containers. */
export function makeContainerPointer(
  manifest: Manifest,
  index: number,
  ...parts: readonly (string | number)[]
): string {
  return `${manifest.spec.containers[index]?.pointer ?? ""}${makePointer(...parts)}`;
}

/** True where the user wrote or said it, false where it is a default that was filled in. */
export function isWritten(source: ManifestSource, pointer: string): boolean {
  return source.lines[pointer] !== undefined || source.options?.[pointer] !== undefined;
}

/** `pod.yaml:14 spec.containers[0].command`; without a line the nearest enclosing one is named. */
export function makePlace(source: ManifestSource, pointer: string): string {
  return `${source.file}:${lineOf(source, pointer)} ${asPath(pointer)}`.trimEnd();
}

export function manifestReason(manifest: Manifest, pointer: string): Reason {
  return { source: "manifest", where: makePlace(manifest.source, pointer) };
}

export function defaultReason(whose: string): Reason {
  return { source: "default", where: whose };
}

/** The caller's option or the user's line where there is one, else the default. */
export function reasonFor(manifest: Manifest, pointer: string, otherwise: string): Reason {
  const option = manifest.source.options?.[pointer];
  if (option !== undefined) return { source: "option", where: option };
  return isWritten(manifest.source, pointer) ? manifestReason(manifest, pointer) : defaultReason(otherwise);
}

function lineOf(source: ManifestSource, pointer: string): number {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const line = source.lines[at];
    if (line !== undefined) return line;
    if (at === "") return 1;
  }
}

function asPath(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part) => {
      if (/^\d+$/.test(part)) return `[${part}]`;
      return /^[A-Za-z_][\w-]*$/.test(part) ? `.${part}` : `["${part}"]`;
    })
    .join("")
    .replace(/^\./, "");
}
