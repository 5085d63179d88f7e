// Builders for plans: pods in a few words, checked by the real reader, planned with facts that never change.

import { stringify } from "yaml";
import { GOLDEN_FACTS, GOLDEN_HOST_FILES, makeDirectoryImages } from "../../scripts/golden.ts";
import { PeapodError } from "../../src/base/errors.ts";
import type { HostDevice, HostFacts } from "../../src/host/facts.ts";
import type { ImageConfig } from "../../src/image/image.ts";
import type { Accounts } from "../../src/image/image-user.ts";
import type { Manifest } from "../../src/manifest/manifest.ts";
import { parseManifest } from "../../src/manifest/read-manifest.ts";
import { makePlan } from "../../src/plan/make-plan.ts";
import type { NamespaceKind, Plan, PlannedContainer, RuntimeChoice } from "../../src/plan/plan.ts";
import type { HostFiles } from "../../src/plan/sandbox-files.ts";
import type { SeccompProfile } from "../../src/plan/seccomp-filter.ts";
import { assertUsers } from "../../src/plan/user.ts";

export const RUNC_1_1: RuntimeChoice = { kind: "runc", path: "/usr/sbin/runc", version: "1.1.5" };
export const RUNC_1_2: RuntimeChoice = { kind: "runc", path: "/usr/sbin/runc", version: "1.2.0" };

export interface PodWords {
  readonly name?: string;
  readonly annotations?: Record<string, string>;
  /** Fields of the spec beside containers. */
  readonly spec?: Record<string, unknown>;
  /** Fields of each container beside name and image; `["web"]` for containers that say no more. */
  readonly containers?: readonly string[] | Record<string, Record<string, unknown>>;
}

export interface PlanWords {
  readonly facts?: Partial<HostFacts>;
  readonly hostFiles?: HostFiles;
  readonly runtime?: RuntimeChoice;
  readonly root?: string;
  readonly driver?: "cgroupfs" | "systemd";
  readonly image?: Partial<ImageConfig>;
  /** Of every image. */
  readonly accounts?: Accounts;
  readonly seccompProfiles?: Readonly<Record<string, SeccompProfile>>;
  /** Behind volumes that are one. */
  readonly devices?: readonly HostDevice[];
  /** Absolute directory of every image. */
  readonly rootfs?: string;
}

export function podText({ name = "shop", annotations = {}, spec = {}, containers = ["web"] }: PodWords): string {
  const words: Record<string, Record<string, unknown>> = Array.isArray(containers)
    ? Object.fromEntries(containers.map((container: string) => [container, {}]))
    : (containers as Record<string, Record<string, unknown>>);
  return stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, annotations },
    spec: {
      restartPolicy: "Never",
      ...spec,
      containers: Object.entries(words).map(([container, fields]) => ({
        name: container,
        image: "rootfs:./rootfs",
        command: ["/bin/true"],
        ...fields,
      })),
    },
  });
}

export function aManifest(words: PodWords = {}): Manifest {
  return parseManifest(podText(words), { file: "pod.yaml", baseDir: "/example" });
}

export function aPlan(words: PodWords = {}, more: PlanWords = {}): Plan {
  return planOf(aManifest(words), more);
}

export function planOf(manifest: Manifest, more: PlanWords = {}): Plan {
  const images = makeDirectoryImages(manifest);
  for (const [name, image] of images) {
    images.set(name, {
      ...image,
      rootfs: more.rootfs ?? image.rootfs,
      config: { ...image.config, ...more.image },
      ...(more.accounts === undefined ? {} : { accounts: more.accounts }),
    });
  }
  const plan = makePlan({
    manifest,
    images,
    facts: { ...GOLDEN_FACTS, ...more.facts },
    runtime: more.runtime ?? RUNC_1_2,
    root: more.root ?? "/run/peapod",
    cgroupDriver: more.driver ?? "cgroupfs",
    reaperPath: "/usr/libexec/peapod/peapod-reaper",
    hostFiles: more.hostFiles ?? GOLDEN_HOST_FILES,
    ...(more.devices === undefined ? {} : { devices: new Map(more.devices.map((one) => [one.path, one])) }),
    ...(more.seccompProfiles === undefined ? {} : { seccompProfiles: new Map(Object.entries(more.seccompProfiles)) }),
  });
  assertUsers(manifest, plan.containers);
  return plan;
}

export function containerOf(plan: Plan, name: string): PlannedContainer {
  const container = plan.containers.find((one) => one.name === name);
  if (container === undefined) throw new Error(`no container ${name} in the plan`);
  return container;
}

/** `private`, `pod`, `host`, `container:web`, `path:/run/x` */
export function scopeOf(plan: Plan, name: string, kind: NamespaceKind): string {
  const namespace = containerOf(plan, name).namespaces[kind];
  if (namespace.scope === "container") return `container:${namespace.container}`;
  return namespace.scope === "path" ? `path:${namespace.file}` : namespace.scope;
}

/** The error of a pod that cannot be planned, as `CODE message`. */
export function refusalOf(words: PodWords, more: PlanWords = {}): string {
  try {
    aPlan(words, more);
  } catch (error) {
    if (error instanceof PeapodError) return `${error.code} ${error.message}`;
    throw error;
  }
  return "planned";
}
