// What a builder prints of an image, as what we want to know of it: docker's and podman's `image inspect`, buildah's
// `inspect --type image`. Pure.

import { PeapodError } from "../base/errors.ts";
import type { ImageConfig } from "./image.ts";

export interface InspectedImage extends ImageConfig {
  /** `app`, `1000:1000`; empty: root. */
  readonly user: string;
  /** `80/tcp` */
  readonly exposedPorts: readonly string[];
  /** `SIGQUIT`, `QUIT`, `3`; empty: SIGTERM. */
  readonly stopSignal: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws RUNTIME_FAILED where the builder printed something else */
export function parseInspect(text: string, reference: string): InspectedImage {
  const config = findConfig(text);
  if (config === undefined)
    throw new PeapodError("RUNTIME_FAILED", `image ${reference}: the builder does not tell what it runs`);
  return {
    entrypoint: texts(config.Entrypoint),
    cmd: texts(config.Cmd),
    env: texts(config.Env),
    workingDir: textOf(config.WorkingDir),
    user: textOf(config.User),
    exposedPorts: Object.keys(fields(config.ExposedPorts)),
    stopSignal: textOf(config.StopSignal),
  };
}

function findConfig(text: string): Fields | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const image = fields(Array.isArray(parsed) ? parsed[0] : parsed);
    if ("Config" in image && typeof image.Config !== "string") return fields(image.Config);
    return "OCIv1" in image ? fields(fields(image.OCIv1).config) : undefined;
  } catch {
    return undefined;
  }
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
