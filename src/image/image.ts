// An image as the planner sees it: a directory to lie under an overlay, and what the image says of itself.

import type { Accounts } from "./image-user.ts";

export interface Image {
  /** The manifest's words. */
  readonly reference: string;
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
}
