// The program that pulls and builds images on this machine: podman, docker or buildah, by its own command line and with its
// own environment (DOCKER_HOST, DOCKER_BUILDKIT, CONTAINERS_STORAGE_CONF, …). Its failures are told in its own last words.

import { join } from "node:path";
import { type CallResult, call } from "../base/call.ts";
import { PeapodError } from "../base/errors.ts";
import { type InspectedImage, parseInspect } from "./parse-inspect.ts";

/** In the order in which they are looked for. */
export const BUILDERS = ["podman", "docker", "buildah"] as const;
export type BuilderKind = (typeof BUILDERS)[number];

const VERSION_MS = 30_000;

export interface Builder {
  readonly kind: BuilderKind;
  /** Name or path, as it is called. */
  readonly program: string;
  readonly cancel: AbortSignal | undefined;
}

/**
 * @param wanted a name, or a path (with a / in it) of any of them; undefined: the first that is installed
 * @throws HOST_LACKS, BAD_USAGE where the program is something else, RUNTIME_FAILED
 */
export async function findBuilder(wanted: string | undefined, cancel: AbortSignal | undefined): Promise<Builder> {
  for (const program of wanted === undefined ? BUILDERS : [wanted]) {
    const result = await callProgram(program, ["--version"], cancel, VERSION_MS);
    if (result.startError === "ENOENT") continue;
    if (result.exitCode !== 0) throw makeFailure(`builder ${program}`, program, result);
    // Debian's podman-docker calls podman by the name of docker.
    const kind = BUILDERS.find((one) => new RegExp(`^${one} version `, "im").test(result.stdout));
    if (kind !== undefined) return { kind, program, cancel };
    throw new PeapodError("BAD_USAGE", `builder ${program}: is neither podman nor docker nor buildah`, {
      hint: "it must answer --version with its name and `version`",
    });
  }
  const what = wanted === undefined ? "no podman, docker or buildah is installed" : "there is no such program";
  throw new PeapodError("HOST_LACKS", wanted === undefined ? `builder: ${what}` : `builder ${wanted}: ${what}`, {
    hint: "install one of podman, docker and buildah (apt-get install podman), or name it with --builder",
  });
}

/** What a local image says of itself; undefined where there is none of this name. */
export async function inspectImage(builder: Builder, reference: string): Promise<InspectedImage | undefined> {
  const args = builder.kind === "buildah" ? ["inspect", "--type", "image"] : ["image", "inspect"];
  const result = await run(builder, [...args, reference]);
  // Why it cannot be inspected, pulling it will tell.
  return result.exitCode === 0 ? parseInspect(result.stdout, reference) : undefined;
}

/** @param failure the error's beginning: `container web: image nginx cannot be pulled (pod.yaml:14)` */
export async function pullImage(builder: Builder, reference: string, failure: string): Promise<void> {
  const result = await run(builder, ["pull", "--quiet", reference]);
  if (result.exitCode !== 0) throw makeFailure(failure, builder.program, result);
}

/** Builds the Dockerfile in a directory, which is all that the builder sees, and gives the image its name. */
export async function buildImage(builder: Builder, context: string, tag: string): Promise<void> {
  // `bud` is older than `buildah build`, and not gone. Without the other two it leaves a container for each stage.
  const verb = builder.kind === "buildah" ? ["bud", "--layers", "--force-rm"] : ["build"];
  const result = await run(builder, [
    ...verb,
    "--quiet",
    // What was inspected is what is built from, not something newer.
    "--pull=false",
    `--tag=${tag}`,
    `--file=${join(context, "Dockerfile")}`,
    context,
  ]);
  if (result.exitCode !== 0) throw makeFailure(`image ${tag} cannot be built`, builder.program, result);
}

/** One call to its end. @throws CANCELED, HOST_LACKS where it cannot be started */
export async function run(builder: Builder, args: readonly string[]): Promise<CallResult> {
  const result = await callProgram(builder.program, args, builder.cancel);
  if (builder.cancel?.aborted) throw new PeapodError("CANCELED", `${builder.program} ${args[0]}: was interrupted`);
  if (result.startError === undefined) return result;
  throw makeFailure(`builder ${builder.program}`, builder.program, result);
}

function callProgram(
  program: string,
  args: readonly string[],
  cancel: AbortSignal | undefined,
  timeoutMs?: number,
): Promise<CallResult> {
  return call({
    program,
    args,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(cancel === undefined ? {} : { cancel }),
  });
}

/** `what` and the program's last words. */
export function makeFailure(what: string, program: string, result: CallResult): PeapodError {
  if (result.startError !== undefined)
    return new PeapodError("HOST_LACKS", `${what}: cannot be run (${result.startError})`);
  if (result.timedOut) return new PeapodError("TIMED_OUT", `${what}: ${program} does not answer`);
  const lines = [...result.stdout.split("\n"), ...result.stderr.split("\n")].map((line) => line.trim());
  const last = lines.filter((line) => line !== "").at(-1);
  const words = last?.replace(/^(Error|ERROR|Error response from daemon): /, "");
  return new PeapodError("RUNTIME_FAILED", `${what}: ${words ?? `it ended with ${result.exitCode ?? result.signal}`}`, {
    detail: { program, exitCode: result.exitCode, stderr: result.stderr },
  });
}
