// The manifest that goes into a pod image, as YAML: the user's own words, but for what each container's image had to say.

import type { Container, EnvVar, PodDocument } from "../generated/pod.ts";
// biome-ignore lint/correctness/useImportExtensions: takes the .d.cts beside it for the module
import loadYaml from "./load-yaml.cjs";
import { isOtherInYaml11 } from "./plain-scalars.ts";

/** What YAML (1.2 §5.1) does not allow outside of escapes, and what ends a line in 1.1 alone. */
const UNPRINTABLE = /[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** What replaces a container's own fields; undefined: the field is left out. */
export interface ContainerFields {
  readonly image: string;
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  /** Those of the document are the last, in its order. */
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly workingDir: string | undefined;
  readonly runAsUser: number | undefined;
  readonly runAsGroup: number | undefined;
  readonly stopSignal?: string | undefined;
}

/**
 * @param fields one for each container, in the document's order
 * @param companions the ConfigMaps and Secrets that came with the pod: documents behind it
 */
export function makeImageManifest(
  document: PodDocument,
  fields: readonly ContainerFields[],
  companions: readonly unknown[] = [],
): string {
  const containers = document.spec.containers.map((container, index) => {
    const own = fields[index];
    return own === undefined ? container : replaceFields(container, own);
  });
  const pod = { ...document, spec: { ...document.spec, containers } };
  return [pod, ...companions].map(formatYaml).join("---\n");
}

/** The user's order of fields stays; what is new comes behind. */
function replaceFields(container: Container, fields: ContainerFields): object {
  const { runAsUser, runAsGroup, stopSignal, env, ...rest } = fields;
  const written = container.env ?? [];
  const added = env.length - written.length;
  const securityContext = withoutUnset({ ...container.securityContext, ...withoutUnset({ runAsUser, runAsGroup }) });
  return withoutUnset({
    ...container,
    ...rest,
    // What comes from elsewhere goes on coming from there.
    env: env.length === 0 ? undefined : env.map((one, at) => sourcedAs(one, written[at - added]) ?? one),
    securityContext: Object.keys(securityContext).length === 0 ? undefined : securityContext,
    lifecycle: stopSignal === undefined ? container.lifecycle : { ...container.lifecycle, stopSignal },
  });
}

function sourcedAs({ name }: { readonly name: string }, written: EnvVar | undefined): EnvVar | undefined {
  return written?.valueFrom !== undefined && written.name === name ? written : undefined;
}

function withoutUnset(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** YAML that readers of 1.1 and of 1.2 take alike. */
export function formatYaml(value: unknown): string {
  const yaml = loadYaml();
  const document = new yaml.Document(value, { aliasDuplicateObjects: false });
  yaml.visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === "string" && !isPlain(node.value)) node.type = "QUOTE_DOUBLE";
    },
  });
  return document.toString({ lineWidth: 0 }).replace(UNPRINTABLE, makeEscape);
}

/** What stands in quotes may say it so; elsewhere there is none of it. */
function makeEscape(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** A script of several lines may stand as a block, but not where its spaces matter at the end or beginning of lines. */
function isPlain(text: string): boolean {
  if (isOtherInYaml11(text) || /[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd]/.test(text)) return false;
  if (!text.includes("\n")) return !text.includes("\t");
  return !/^[ \t\n]|[ \t](?:\n|$)|\n\n/.test(text);
}
