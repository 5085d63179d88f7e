// ConfigMaps and Secrets that come with a pod, as data. They stay apart from the manifest: that is written to disk and
// shown, and what a Secret holds must be neither.

import type { ObjectKind } from "./sources.ts";

/**
 * Of one key. `base64`: bytes that are no text. `secret`: the name of a value that is not told here, so that a plan made
 * of it can be shown.
 */
export type Content = { readonly text: string } | { readonly base64: string } | { readonly secret: string };

export interface ConfigObject {
  readonly kind: ObjectKind;
  readonly name: string;
  /** Of a Secret: `kubernetes.io/tls`. */
  readonly type: string | undefined;
  readonly data: ReadonlyMap<string, Content>;
}

export type ConfigObjects = ReadonlyMap<string, ConfigObject>;

export const NO_OBJECTS: ConfigObjects = new Map();

export function objectKey(kind: ObjectKind, name: string): string {
  return `${kind} ${name}`;
}

/** The same without what Secrets hold: each value is only named. */
export function redactSecrets(objects: ConfigObjects): ConfigObjects {
  return new Map(
    [...objects].map(([key, object]) => {
      if (object.kind !== "Secret") return [key, object];
      const data = new Map([...object.data.keys()].map((name) => [name, { secret: `${object.name}/${name}` }]));
      return [key, { ...object, data }];
    }),
  );
}

/** What stands for a secret value where it must not be shown. */
export function makeMarker(name: string): string {
  return `(secret ${name})`;
}

/** A checked ConfigMap or Secret document as an object. */
export function makeConfigObject(document: unknown): ConfigObject {
  const { kind, metadata, type, data, binaryData, stringData } = document as {
    readonly kind: ObjectKind;
    readonly metadata: { readonly name: string };
    readonly type?: string;
    readonly data?: Readonly<Record<string, string>>;
    readonly binaryData?: Readonly<Record<string, string>>;
    readonly stringData?: Readonly<Record<string, string>>;
  };
  const texts = Object.entries((kind === "Secret" ? stringData : data) ?? {});
  const bytes = Object.entries((kind === "Secret" ? data : binaryData) ?? {});
  return {
    kind,
    name: metadata.name,
    type,
    data: new Map<string, Content>([
      // Only a Secret's bytes may be variables as well: a ConfigMap has `data` for that.
      ...bytes.map(([key, base64]): [string, Content] => [key, kind === "Secret" ? asContent(base64) : { base64 }]),
      ...texts.map(([key, text]): [string, Content] => [key, { text }]),
    ]),
  };
}

function asContent(base64: string): Content {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, "base64")) };
  } catch {
    return { base64 };
  }
}
