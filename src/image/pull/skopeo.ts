// The three things that we ask of skopeo: what is there, what it says of itself, and a copy of it. Credentials, mirrors,
// certificates and the policy of signatures are its own, as containers-registries.conf(5) and its like configure them.

import { PeapodError } from "../../base/errors.ts";
import { splitImage } from "../../base/image-transports.ts";
import { domainOf, isLoopback } from "../store/image-name.ts";
import { parseFailure, runTool, type ToolFailure } from "./run-tool.ts";

export interface Skopeo {
  /** Where it may put what is large, for a while. */
  readonly tmpDir: string;
  readonly cancel: AbortSignal | undefined;
}

/** A failure that its caller tells with the image's name. */
export class SkopeoError extends PeapodError {
  constructor({ code, words }: ToolFailure, reference: string) {
    super(code, words, makeLoginHint(words, reference));
  }
}

/** The manifest, or index of manifests, as it is there. @throws SkopeoError, CANCELED, HOST_LACKS */
export async function readRawManifest(skopeo: Skopeo, reference: string): Promise<string> {
  return await ask(skopeo, reference, ["inspect", "--raw", ...trust("--tls-verify", reference), asSource(reference)]);
}

/** Its configuration for this machine's platform. @throws SkopeoError, CANCELED, HOST_LACKS */
export async function readRawConfig(skopeo: Skopeo, reference: string): Promise<string> {
  const options = ["--config", "--raw", ...trust("--tls-verify", reference)];
  return await ask(skopeo, reference, ["inspect", ...options, asSource(reference)]);
}

/**
 * Into an OCI layout, under the tag `image`; blobs that are there already are not fetched again.
 * @throws SkopeoError, CANCELED, HOST_LACKS
 */
export async function copyImage(skopeo: Skopeo, reference: string, layout: string): Promise<void> {
  const options = ["--quiet", ...manner(reference), ...trust("--src-tls-verify", reference)];
  await ask(skopeo, reference, ["copy", ...options, asSource(reference), `oci:${layout}:image`]);
}

async function ask({ tmpDir, cancel }: Skopeo, reference: string, words: readonly string[]): Promise<string> {
  const conf = process.env.CONTAINERS_REGISTRIES_CONF;
  const args = ["--tmpdir", tmpDir, ...(conf ? ["--registries-conf", conf] : []), ...words];
  const result = await runTool({ program: "skopeo", args, cancel });
  if (result.exitCode === 0) return result.stdout;
  throw new SkopeoError(parseFailure("skopeo", result), reference);
}

/** Registries answer so, too, where an image is not there and they do not tell strangers. Pure. */
export function makeLoginHint(words: string, reference: string): { hint?: string } {
  const { transport, rest } = splitImage(reference);
  const domain = transport === "docker" ? domainOf(rest) : undefined;
  const wantsLogin = /unauthorized|authentication required|invalid username|access to the resource is denied/i.test(
    words,
  );
  if (domain === undefined || !wantsLogin) return {};
  return { hint: `the registry wants a login: skopeo login ${domain}, or podman login` };
}

function asSource(reference: string): string {
  const { transport, rest } = splitImage(reference);
  return transport === "docker" ? `docker://${rest}` : `${transport}:${rest}`;
}

/**
 * What is not compressed stays so, where its media type says that it is not: docker's archives and stores call a plain tar
 * gzip, and skopeo would hand that on. Those it compresses, as little as can be.
 */
function manner(reference: string): string[] {
  const { transport } = splitImage(reference);
  const isHonest = transport === "docker" || transport === "oci" || transport === "oci-archive";
  return isHonest
    ? ["--dest-oci-accept-uncompressed-layers"]
    : ["--dest-compress-format", "gzip", "--dest-compress-level", "1"];
}

/** As docker does it: a registry on this very machine may speak plain HTTP. */
function trust(option: string, reference: string): string[] {
  const { transport, rest } = splitImage(reference);
  return transport === "docker" && isLoopback(domainOf(rest)) ? [`${option}=false`] : [];
}
