// Where environment variables and files get their contents from, as the checked manifest says it.

export type ObjectKind = "ConfigMap" | "Secret";

/** One key of a ConfigMap or Secret. */
export interface KeySource {
  readonly from: "key";
  readonly kind: ObjectKind;
  readonly object: string;
  readonly key: string;
  readonly optional: boolean;
}

/** Something about the pod: `metadata.labels['app']`. */
export interface FieldSource {
  readonly from: "field";
  readonly path: string;
}

/** What a container may use. */
export interface ResourceSource {
  readonly from: "resource";
  /** `limits.cpu` */
  readonly resource: string;
  /** The container's own words; undefined where it says nothing. */
  readonly written: string | undefined;
  readonly divisor: string;
}

export type EnvSource = KeySource | FieldSource | ResourceSource;

/** All keys of a ConfigMap or Secret as variables. */
export interface EnvFrom {
  readonly kind: ObjectKind;
  readonly object: string;
  readonly prefix: string;
  readonly optional: boolean;
}

/** Files of a volume. */
export type FilesSource =
  | {
      readonly from: "object";
      readonly kind: ObjectKind;
      readonly object: string;
      readonly optional: boolean;
      /** Undefined: every key, under its own name. */
      readonly items: readonly KeyFile[] | undefined;
    }
  | { readonly from: "pod"; readonly items: readonly PodFile[] };

export interface KeyFile {
  readonly key: string;
  readonly path: string;
  readonly mode: number | undefined;
}

export interface PodFile {
  readonly path: string;
  readonly mode: number | undefined;
  readonly source: FieldSource | ResourceSource;
}
