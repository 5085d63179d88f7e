// `up` for a caller that goes on living beside the pod: starts a reaper, which starts a supervisor, and waits for word.

import { call } from "../../base/call.ts";
import { type ErrorJson, PeapodError } from "../../base/errors.ts";
import type { PodName } from "../../base/names.ts";
import type { PodState } from "../../state/pod-state.ts";
import type { EngineOptions, UpRequest } from "../engine.ts";
import { readPodState } from "../looking/reader.ts";
import type { Programs } from "../programs.ts";
import { holdText } from "./up-message.ts";

/** Hidden first word on our own command line: what follows is the path of one UpMessage as JSON. */
export const UP_WORD = "@up";

export interface UpMessage {
  readonly options: EngineOptions;
  readonly request: Omit<UpRequest, "signal" | "tellPull">;
}

/** What the supervisor prints: one line of JSON. */
export type UpReply = { readonly pod: PodName } | { readonly error: ErrorJson };

/** @throws what the supervisor threw */
export async function upOutside(options: EngineOptions, programs: Programs, request: UpRequest): Promise<PodState> {
  const { signal, tellPull, ...asked } = request;
  const message: UpMessage = { options, request: asked };
  const held = holdText(JSON.stringify(message));
  const result = await call({
    program: programs.reaper,
    args: ["launch", "--for", String(process.pid), programs.node, programs.script, "--", UP_WORD, held.path],
    ...(signal === undefined ? {} : { cancel: signal }),
    // What it tells of pulls it tells the user itself.
    ...(tellPull === undefined ? {} : { descriptors: ["ignore", "pipe", 2] as const }),
  }).finally(() => held.release());
  const reply = parseReply(result.stdout);
  if (reply === undefined) {
    throw new PeapodError("SUPERVISOR_GONE", `${request.file}: the supervisor ended without an answer`, {
      detail: result,
      hint: result.startError === undefined ? "peapod doctor shows what it left" : `${programs.reaper} cannot be run`,
    });
  }
  if ("error" in reply) throw PeapodError.fromJson(reply.error);
  return readPodState(options.root, reply.pod);
}

function parseReply(text: string): UpReply | undefined {
  try {
    return JSON.parse(text) as UpReply;
  } catch {
    return undefined;
  }
}
