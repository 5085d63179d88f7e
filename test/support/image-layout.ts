// Images made here by umoci, in an OCI layout: a small tree of busybox, and layers that a test writes byte by byte.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findOnPath } from "./oci-script.ts";
import { busyboxRootfs } from "./rootfs.ts";

export interface ImageSpec {
  readonly tag: string;
  /** Directories whose files are a layer each; the busybox tree unless told. */
  readonly trees?: readonly string[];
  /** Tar archives, each a layer above those. */
  readonly archives?: readonly string[];
  /** Words of `umoci config`: `["--config.user", "app"]`. */
  readonly config?: readonly string[];
}

/** False where images can be made and pulled here; else what is missing, for people. */
export function whyNoImages(...more: readonly string[]): string | false {
  const missing = ["skopeo", "umoci", ...more].filter((program) => findOnPath(program) === undefined);
  return missing.length > 0 && `not installed: ${missing.join(", ")}`;
}

/** Makes the layout where there is none. */
export function makeImage(
  layout: string,
  { tag, trees = [busyboxRootfs()], archives = [], config = [] }: ImageSpec,
): void {
  const umoci = (...args: string[]) => execFileSync("umoci", args, { stdio: ["ignore", "ignore", "pipe"] });
  if (!existsSync(layout)) umoci("init", "--layout", layout);
  umoci("new", "--image", `${layout}:${tag}`);
  const packed = trees.map((tree, index) => {
    const file = `${layout}.${tag}-${index}.tar`;
    execFileSync("tar", ["--numeric-owner", "-C", tree, "-cf", file, "."]);
    return file;
  });
  for (const file of [...packed, ...archives]) umoci("raw", "add-layer", "--image", `${layout}:${tag}`, file);
  for (const file of packed) rmSync(file);
  if (config.length > 0) umoci("config", "--image", `${layout}:${tag}`, ...config);
}

export interface Member {
  readonly name: string;
  /** `0` a file, `1` a hard link, `2` a symbolic link, `5` a directory. */
  readonly type?: "0" | "1" | "2" | "5";
  readonly text?: string;
  readonly link?: string;
}

/** A tar archive (ustar) with these names in it, whatever they are. */
export function writeArchive(file: string, members: readonly Member[]): string {
  const parts = members.flatMap(({ name, type = "0", text = "", link = "" }) => {
    const head = Buffer.alloc(512);
    head.write(name, 0, 100);
    head.write("0000644\0" + "0000000\0" + "0000000\0", 100);
    head.write(`${Buffer.byteLength(text).toString(8).padStart(11, "0")}\0${"00000000000"}\0`, 124);
    head.fill(" ", 148, 156);
    head.write(type, 156);
    head.write(link, 157, 100);
    head.write("ustar\0" + "00", 257);
    const sum = head.reduce((total, byte) => total + byte, 0);
    head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const body = Buffer.alloc(Math.ceil(Buffer.byteLength(text) / 512) * 512);
    body.write(text);
    return [head, body];
  });
  writeFileSync(file, Buffer.concat([...parts, Buffer.alloc(1024)]));
  return file;
}

interface Index {
  manifests: { digest: string; size: number; mediaType: string; annotations: Record<string, string> }[];
}

interface Manifest {
  config: { digest: string; size: number };
  layers: { digest: string; size: number }[];
}

/** The manifest under a tag, for a test that will spoil something. */
export function readManifestOf(layout: string, tag: string): Manifest {
  return readJson<Manifest>(blobOf(layout, digestOf(layout, tag)));
}

export function digestOf(layout: string, tag: string): string {
  const { manifests } = readJson<Index>(join(layout, "index.json"));
  const found = manifests.find(({ annotations }) => annotations["org.opencontainers.image.ref.name"] === tag);
  if (found === undefined) throw new Error(`no tag ${tag} in ${layout}`);
  return found.digest;
}

export function blobOf(layout: string, digest: string): string {
  return join(layout, "blobs/sha256", digest.replace("sha256:", ""));
}

/** Another manifest under the same tag, with a digest that fits; its configuration, too, where `config` changes it. */
export function rewriteImage(
  layout: string,
  tag: string,
  change: { config?: (config: Record<string, unknown>) => void; manifest?: (manifest: Manifest) => void },
): void {
  const manifest = readManifestOf(layout, tag);
  if (change.config !== undefined) {
    const config = readJson<Record<string, unknown>>(blobOf(layout, manifest.config.digest));
    change.config(config);
    Object.assign(manifest.config, writeBlob(layout, JSON.stringify(config)));
  }
  change.manifest?.(manifest);
  const index = readJson<Index>(join(layout, "index.json"));
  const entry = index.manifests.find(({ annotations }) => annotations["org.opencontainers.image.ref.name"] === tag);
  Object.assign(entry ?? {}, writeBlob(layout, JSON.stringify(manifest)));
  writeFileSync(join(layout, "index.json"), JSON.stringify(index));
}

function writeBlob(layout: string, text: string): { digest: string; size: number } {
  const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
  writeFileSync(blobOf(layout, digest), text);
  return { digest, size: Buffer.byteLength(text) };
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, "utf8")) as T;
}
