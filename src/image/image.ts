// An image as the planner sees it: a directory to lie under an overlay, and what the image says of itself.

import type { Accounts } from "./image-user.ts";

export interface Image {
  /** The manifest's words. */
  readonly reference: string;
  /** What exactly that was: `docker.io/library/nginx@sha256:…`; absent for a directory. */
  readonly id?: string;
  /** Absolute directory; never written to. */
  readonly rootfs: string;
  readonly config: ImageConfig;
  /** Texts of its account files; absent where nobody read them. */
  readonly accounts?: Accounts;
}

/** The part of the OCI image configuration that decides what runs. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
  /** `app`, `1000:1000`; absent or empty: root. */
  readonly user?: string;
  /** As the image writes it: `SIGQUIT`, `QUIT`, `3`. */
  readonly stopSignal?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly volumes?: readonly ImageVolume[];
}

/** A directory that each container has for itself, writable, with what the image has there. */
export interface ImageVolume {
  /** Absolute, normal; in the container. */
  readonly path: string;
  /** Relative to the root file system, with no link in it; absent where the image has nothing there. */
  readonly from?: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}
