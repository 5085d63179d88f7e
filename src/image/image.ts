// An image as the planner sees it: a directory to lie under an overlay, and what the image says of itself.

export interface Image {
  /** The manifest's words. */
  readonly reference: string;
  /** Absolute directory; never written to. */
  readonly rootfs: string;
  readonly config: ImageConfig;
}

/** The part of the OCI image configuration that decides what runs. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
}
