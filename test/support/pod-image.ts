// Images for tests with Docker, made by its classic builder out of nothing but busybox: a pod in one image, and an
// ordinary one.

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Dockerd } from "./dockerd.ts";
import type { ContainerSpec } from "./peapod-host.ts";
import { busyboxRootfs } from "./rootfs.ts";

export interface PodImageRequest {
  /** Their images are below /containers unless they say otherwise. */
  readonly containers: readonly ContainerSpec[];
  /** More fields of the pod's spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** More lines of the Dockerfile, as `HEALTHCHECK CMD true`. */
  readonly lines?: readonly string[];
}

/** The shell's part that makes a first process end at SIGTERM, which it would not hear otherwise: signal(7), kill(2). */
export const WAIT_FOR_STOP = "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done";

/** The manifest of a pod whose members lie below /containers of its image. */
export function makePodManifest({ containers, spec = {} }: PodImageRequest): string {
  return stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "shop" },
    spec: {
      restartPolicy: "Never",
      ...spec,
      containers: containers.map(({ name, run = WAIT_FOR_STOP, ...fields }) => ({
        name,
        image: `rootfs:/containers/${name}`,
        command: typeof run === "string" ? ["/bin/sh", "-c", run] : run,
        ...fields,
      })),
    },
  });
}

/** A pod as one image, by the name `tag`. */
export async function buildPodImage(docker: Dockerd, tag: string, pod: PodImageRequest): Promise<void> {
  await build(docker, tag, (dir) => {
    for (const { name } of pod.containers) copyBusybox(join(dir, "containers", name));
    writeFileSync(join(dir, "pod.yaml"), makePodManifest(pod));
    const lines = ["COPY containers /containers/", "COPY pod.yaml /etc/peapod/pod.yaml", ...(pod.lines ?? [])];
    // Docker starts nothing without a command; a pod has no use for it.
    return [...lines, 'CMD ["pod"]'];
  });
}

/** Busybox and nothing else. */
export async function buildPlainImage(docker: Dockerd, tag: string): Promise<void> {
  await build(docker, tag, (dir) => {
    copyBusybox(join(dir, "rootfs"));
    return ["COPY rootfs /", 'CMD ["/bin/sh"]'];
  });
}

async function build(docker: Dockerd, tag: string, fill: (dir: string) => readonly string[]): Promise<void> {
  const dir = mkdtempSync(join(docker.dir, "image-"));
  const lines = fill(dir);
  writeFileSync(join(dir, "Dockerfile"), ["FROM scratch", ...lines, ""].join("\n"));
  await docker.must("build", "--quiet", "--tag", tag, dir);
  rmSync(dir, { recursive: true });
}

function copyBusybox(target: string): void {
  mkdirSync(join(target, ".."), { recursive: true });
  cpSync(busyboxRootfs(), target, { recursive: true, verbatimSymlinks: true });
}
