// What a container runs: Kubernetes' table of command and args over the image's entrypoint and cmd, its environment,
// directory and user.

import { PeapodError } from "../base/errors.ts";
import type { Image } from "../image/image.ts";
import type { Container, Manifest } from "../manifest/manifest.ts";
import type { OwnEnv } from "./env.ts";
import { expand } from "./expand.ts";
import type { PlannedProcess, Reason } from "./plan.ts";
import { securityPointer } from "./security-pointer.ts";
import { makeUser } from "./user.ts";
import { defaultReason, makeContainerPointer, makePlace, manifestReason, reasonFor } from "./where.ts";

export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface ProcessInput {
  readonly manifest: Manifest;
  readonly index: number;
  readonly container: Container;
  readonly image: Image;
  /** As the container sees it; undefined where that cannot be known beforehand (a foreign uts namespace). */
  readonly hostname: string | undefined;
  readonly ownEnv: OwnEnv;
}

export interface PlannedCommand {
  readonly process: Omit<PlannedProcess, "capabilities">;
  readonly reasons: Record<string, Reason>;
}

/** @throws BAD_MANIFEST where neither the manifest nor the image says what to run, or the directory is relative */
export function makeProcess(input: ProcessInput): PlannedCommand {
  const { manifest, index, container, image } = input;
  const pointer = (...parts: (string | number)[]) => makeContainerPointer(manifest, index, ...parts);
  const own = input.ownEnv.all;
  const isPlain = container.envFrom === undefined && container.env.length === own.size;
  const cwd = container.workingDir || image.config.workingDir || "/";
  if (!cwd.startsWith("/")) {
    const place = makePlace(manifest.source, pointer("workingDir"));
    throw new PeapodError(
      "BAD_MANIFEST",
      `container ${container.name}: working directory ${cwd} is not absolute (${place})`,
    );
  }
  const user = makeUser(manifest, index, container, image);
  return {
    process: {
      args: makeArgs(input, own),
      env: makeEnv(input, own),
      ...(isPlain ? {} : { ownEnv: [...own.keys()] }),
      ...(input.ownEnv.secret.size > 0 ? { isSecret: true as const } : {}),
      cwd,
      uid: user.uid,
      gid: user.gid,
      additionalGids: user.additionalGids,
      noNewPrivileges: !container.securityContext.allowPrivilegeEscalation,
    },
    reasons: {
      "process.args": reasonOfArgs(input),
      "process.env":
        container.env.length > 0
          ? manifestReason(manifest, pointer("env"))
          : container.envFrom !== undefined
            ? manifestReason(manifest, pointer("envFrom"))
            : reasonOfImageEnv(image),
      "process.cwd": container.workingDir
        ? manifestReason(manifest, pointer("workingDir"))
        : image.config.workingDir
          ? { source: "image", where: image.reference }
          : defaultReason("OCI default (/)"),
      "process.user": user.reason,
      "process.noNewPrivileges": reasonFor(
        manifest,
        securityPointer(manifest, index, "allowPrivilegeEscalation"),
        "Kubernetes default (allowPrivilegeEscalation: true)",
      ),
    },
  };
}

function makeArgs(input: ProcessInput, own: ReadonlyMap<string, string>): string[] {
  const { container, image, manifest, index } = input;
  const command = filled(container.command);
  const args = filled(container.args);
  const fromUs = [...(command ?? []), ...(args ?? [])].map((arg) => expand(arg, (name) => own.get(name)));
  const all = command
    ? fromUs
    : args
      ? [...image.config.entrypoint, ...fromUs]
      : [...image.config.entrypoint, ...image.config.cmd];
  if (all.length > 0) return all;
  const place = makePlace(manifest.source, makeContainerPointer(manifest, index));
  throw new PeapodError("BAD_MANIFEST", `container ${container.name}: has nothing to run (${place})`, {
    hint: `${image.reference} names no command of its own: set command`,
  });
}

/** Kubernetes takes an empty list for none. */
function filled(list: readonly string[] | undefined): readonly string[] | undefined {
  return list && list.length > 0 ? list : undefined;
}

function makeEnv({ image, hostname }: ProcessInput, own: ReadonlyMap<string, string>): string[] {
  const env = new Map<string, string>([["PATH", DEFAULT_PATH]]);
  if (hostname !== undefined) env.set("HOSTNAME", hostname);
  for (const entry of image.config.env) {
    const at = entry.indexOf("=");
    if (at > 0) env.set(entry.slice(0, at), entry.slice(at + 1));
  }
  for (const [name, value] of own) env.set(name, value);
  return [...env].map(([name, value]) => `${name}=${value}`);
}

function reasonOfArgs({ manifest, index, container, image }: ProcessInput): Reason {
  const pointer = (what: string) => makeContainerPointer(manifest, index, what);
  if (filled(container.command)) return manifestReason(manifest, pointer("command"));
  if (filled(container.args)) return manifestReason(manifest, pointer("args"));
  return { source: "image", where: image.reference };
}

function reasonOfImageEnv(image: Image): Reason {
  if (image.config.env.length > 0) return { source: "image", where: image.reference };
  return defaultReason("containerd's default PATH, and the host name");
}
