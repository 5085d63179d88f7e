// Manifests, indexes and configurations of the OCI image specification (and docker's, which are nearly the same), as what
// we want to know of them. They come from elsewhere: what has another shape is passed over or refused. Pure.

import { PeapodError } from "../../base/errors.ts";
import type { ImageConfig } from "../image.ts";
import type { Digest } from "../store/store-paths.ts";

export interface Layer {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export type ParsedManifest =
  | { readonly kind: "manifest"; readonly config: Digest; readonly layers: readonly Layer[] }
  | { readonly kind: "index"; readonly platforms: readonly { readonly platform: string; readonly digest: Digest }[] };

export interface ParsedConfig {
  readonly platform: string;
  readonly createdAt: string | undefined;
  readonly config: ImageConfig;
  /** Absolute paths, as the image writes them. */
  readonly volumePaths: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Undefined for what is neither, as docker's first schema. */
export function parseManifest(text: string): ParsedManifest | undefined {
  const { manifests, config, layers } = fields(parse(text));
  if (Array.isArray(manifests)) return { kind: "index", platforms: manifests.flatMap(parsePlatform) };
  const { digest } = fields(config);
  if (!isDigest(digest) || !Array.isArray(layers)) return undefined;
  return {
    kind: "manifest",
    config: digest,
    layers: layers
      .map(fields)
      .flatMap(({ digest: of, size }) => (isDigest(of) ? [{ digest: of, sizeBytes: sizeOf(size) }] : [])),
  };
}

/** Whether a manifest has layers that are compressed by zstd (`…tar+zstd`), as their media types say. */
export function hasZstdLayers(text: string): boolean {
  const { layers } = fields(parse(text));
  return Array.isArray(layers) && layers.some((layer) => textOf(fields(layer).mediaType).endsWith("+zstd"));
}

/** @throws BAD_MANIFEST where it is none */
export function parseConfig(text: string): ParsedConfig {
  const whole = fields(parse(text));
  if (whole.config === undefined && whole.rootfs === undefined)
    throw new PeapodError("BAD_MANIFEST", "its configuration is none of an image");
  const { architecture, os, created } = whole;
  const config = fields(whole.config);
  const platform = [textOf(os) || "linux", textOf(architecture), textOf(whole.variant)].filter((one) => one !== "");
  const stopSignal = textOf(config.StopSignal);
  const labels = Object.entries(fields(config.Labels)).flatMap(([key, one]) =>
    typeof one === "string" ? [[key, one]] : [],
  );
  return {
    platform: platform.join("/"),
    createdAt: textOf(created) || undefined,
    config: {
      entrypoint: texts(config.Entrypoint),
      cmd: texts(config.Cmd),
      env: texts(config.Env),
      workingDir: makeWorkingDir(textOf(config.WorkingDir)),
      user: textOf(config.User),
      ...(stopSignal === "" ? {} : { stopSignal }),
      ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) as Record<string, string> }),
    },
    volumePaths: Object.keys(fields(config.Volumes)),
  };
}

/** What skopeo chooses by: the machine's own. `processor`: Node's word. */
export function makePlatform(processor: string): string {
  const names: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le", mipsel: "mipsle" };
  return `linux/${names[processor] ?? processor}`;
}

/** Variants of one processor (`linux/arm/v7`) are left to who runs it; an image that names no processor fits each. */
export function fitsPlatform(platform: string, own: string): boolean {
  return platform === "linux" || platform === own || platform.startsWith(`${own}/`);
}

function parsePlatform(written: unknown): { platform: string; digest: Digest }[] {
  const { digest, platform } = fields(written);
  const { os, architecture, variant } = fields(platform);
  // What has no platform is no image: signatures, attestations.
  if (!isDigest(digest) || textOf(architecture) === "" || textOf(architecture) === "unknown") return [];
  const words = [textOf(os), textOf(architecture), textOf(variant)].filter((one) => one !== "");
  return [{ platform: words.join("/"), digest }];
}

function makeWorkingDir(dir: string): string {
  return dir === "" || dir.startsWith("/") ? dir : `/${dir}`;
}

/** Whatever algorithm another digest is made with: our blobs are found by this one. */
export function isDigest(value: unknown): value is Digest {
  return typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sizeOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** No NUL can be handed to a program. */
function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string" && !one.includes("\0")) : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
