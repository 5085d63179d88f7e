// The three things that we ask of skopeo: what is there, what it says of itself, and a copy of it. Credentials, mirrors,
// certificates and the policy of signatures are its own, as containers-registries.conf(5) and its like configure them.

import type { CallResult } from "../../base/call.ts";
import { PeapodError } from "../../base/errors.ts";
import { splitImage } from "../../base/image-transports.ts";
import { domainOf, isLoopback } from "../store/image-name.ts";
import { parseFailure, runTool, type ToolFailure } from "./run-tool.ts";

export interface Skopeo {
  /** Where it may put what is large, for a while. */
  readonly tmpDir: string;
  readonly cancel: AbortSignal | undefined;
  /** A registry that has not answered a question by then has stopped. */
  readonly stallMs: number;
}

const STALL_MS = 60_000;

/** How long a silent registry is waited for. `PEAPOD_PULL_STALL_MS`, in milliseconds. */
export function readStallMs(): number {
  return Number(process.env.PEAPOD_PULL_STALL_MS) || STALL_MS;
}

/** A failure that its caller tells with the image's name. */
export class SkopeoError extends PeapodError {
  constructor({ code, words }: ToolFailure, reference: string) {
    super(code, words, makeLoginHint(words, reference));
  }
}

/** The manifest, or index of manifests, as it is there. @throws SkopeoError, TIMED_OUT, CANCELED, HOST_LACKS */
export async function readRawManifest(skopeo: Skopeo, reference: string): Promise<string> {
  return await inspect(skopeo, reference, ["--raw"]);
}

/** Its configuration for this machine's platform. @throws SkopeoError, TIMED_OUT, CANCELED, HOST_LACKS */
export async function readRawConfig(skopeo: Skopeo, reference: string): Promise<string> {
  return await inspect(skopeo, reference, ["--config", "--raw"]);
}

/**
 * Into an OCI layout, under the tag `image`; blobs that are there already are not fetched again.
 * @throws SkopeoError, CANCELED, HOST_LACKS
 */
export async function copyImage(skopeo: Skopeo, reference: string, layout: string): Promise<void> {
  const options = ["--quiet", ...manner(reference), ...connection("--src-", reference)];
  takeAnswer(await ask(skopeo, ["copy", ...options, asSource(reference), `oci:${layout}:image`]), reference);
}

/** From one layout to a new one, with layers that umoci reads. @throws SkopeoError, CANCELED, HOST_LACKS */
export async function recompressImage(skopeo: Skopeo, from: string, to: string): Promise<void> {
  const source = `oci:${from}:image`;
  takeAnswer(await ask(skopeo, ["copy", "--quiet", ...RECOMPRESS, source, `oci:${to}:image`]), source);
}

/** Small, so that it comes soon or never. */
async function inspect(skopeo: Skopeo, reference: string, options: readonly string[]): Promise<string> {
  const words = ["inspect", ...options, ...connection("--", reference), asSource(reference)];
  const result = await ask(skopeo, words, skopeo.stallMs);
  if (result.timedOut)
    throw new PeapodError("TIMED_OUT", `cannot be pulled: no answer came for ${skopeo.stallMs / 1000} s`);
  return takeAnswer(result, reference);
}

async function ask({ tmpDir, cancel }: Skopeo, words: readonly string[], timeoutMs?: number): Promise<CallResult> {
  const conf = process.env.CONTAINERS_REGISTRIES_CONF;
  const args = ["--tmpdir", tmpDir, ...(conf ? ["--registries-conf", conf] : []), ...words];
  return await runTool({ program: "skopeo", args, cancel, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
}

function takeAnswer(result: CallResult, reference: string): string {
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

/** As little as can be. */
const RECOMPRESS = ["--dest-compress-format", "gzip", "--dest-compress-level", "1"];

/**
 * What is not compressed stays so, where its media type says that it is not: docker's archives and stores call a plain tar
 * gzip, and skopeo would hand that on. Those it compresses.
 */
function manner(reference: string): readonly string[] {
  const { transport } = splitImage(reference);
  const isHonest = transport === "docker" || transport === "oci" || transport === "oci-archive";
  return isHonest ? ["--dest-oci-accept-uncompressed-layers"] : RECOMPRESS;
}

/**
 * As docker does it: a registry on this very machine may speak plain HTTP, and a daemon may be elsewhere than usual. `prefix`:
 * what skopeo calls that side of a copy.
 */
function connection(prefix: "--" | "--src-", reference: string): string[] {
  const { transport, rest } = splitImage(reference);
  const daemon = process.env.DOCKER_HOST;
  if (transport === "docker-daemon" && daemon) return [`${prefix}daemon-host`, daemon];
  return transport === "docker" && isLoopback(domainOf(rest)) ? [`${prefix}tls-verify=false`] : [];
}
