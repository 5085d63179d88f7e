// Where an image comes from, in the words that podman and skopeo take (containers-transports(5)): the name of one in a
// registry, or a transport and what it is called there. Pure.

import { resolve } from "node:path";
import { isImageReference } from "./image-reference.ts";

/** Those whose images lie in a file or directory here: what is there now costs no program to find out. */
const FILE_TRANSPORTS = ["oci", "oci-archive", "docker-archive", "dir"] as const;
const STORE_TRANSPORTS = ["docker-daemon", "containers-storage"] as const;

export type FileTransport = (typeof FILE_TRANSPORTS)[number];
export type Transport = "rootfs" | "docker" | FileTransport | (typeof STORE_TRANSPORTS)[number];

export interface ImageWords {
  readonly transport: Transport;
  /** `nginx:1.27`, `/srv/image:1.0`, `localhost/shop` */
  readonly rest: string;
}

const PREFIX = new RegExp(`^(rootfs|${[...FILE_TRANSPORTS, ...STORE_TRANSPORTS].join("|")}):(.*)$`, "s");

export function splitImage(text: string): ImageWords {
  const [, transport, rest = ""] = PREFIX.exec(text) ?? [];
  if (transport !== undefined) return { transport: transport as Transport, rest };
  return { transport: "docker", rest: text.startsWith("docker://") ? text.slice("docker://".length) : text };
}

export function isFileTransport(transport: Transport): transport is FileTransport {
  return (FILE_TRANSPORTS as readonly string[]).includes(transport);
}

/** The path, and what follows it: a tag, or for docker-archive a name or `@1`. No path of these transports has a `:` in it. */
export function splitPath(rest: string): { readonly path: string; readonly tag: string | undefined } {
  const at = rest.indexOf(":");
  return at < 0 ? { path: rest, tag: undefined } : { path: rest.slice(0, at), tag: rest.slice(at + 1) };
}

/** Why this names no image; undefined where it does. A clause: `must name a directory behind rootfs:`. */
export function faultOfImage(text: string): string | undefined {
  const { transport, rest } = splitImage(text);
  if (transport === "rootfs") return rest === "" ? "must name a directory behind rootfs:" : undefined;
  if (transport === "docker") {
    if (isImageReference(rest)) return undefined;
    return `${quote(text)} is not the name of an image, such as nginx:1.27; a directory is rootfs:./site`;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what no name has is what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) return "has a control character in it";
  if (isFileTransport(transport))
    return splitPath(rest).path === "" ? `must name a path behind ${transport}:` : undefined;
  if (rest === "") return `must name an image behind ${transport}:`;
  if (transport === "docker-daemon" && !isImageReference(rest) && !/^sha256:[0-9a-f]{64}$/.test(rest))
    return `${quote(rest)} is not the name of an image, such as shop:1.2`;
  return undefined;
}

/** With an absolute path, where it has one. */
export function placeImage(text: string, baseDir: string): string {
  const { transport, rest } = splitImage(text);
  if (transport === "rootfs") return `rootfs:${resolve(baseDir, rest)}`;
  if (!isFileTransport(transport)) return text;
  const { path, tag } = splitPath(rest);
  return `${transport}:${resolve(baseDir, path)}${tag === undefined ? "" : `:${tag}`}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
