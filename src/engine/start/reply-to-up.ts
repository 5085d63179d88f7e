// The inner end of `up` for a caller that lives on beside the pod: takes its message, replies with one line of JSON, and
// goes on as the pod's supervisor.

import { writeSync } from "node:fs";
import { asPeapodError } from "../../base/errors.ts";
import type { PodName } from "../../base/names.ts";
import type { UpRequest } from "../engine.ts";
import { findPrograms } from "../programs.ts";
import { FD, openLauncher } from "../reaper-link.ts";
import { upInside } from "./up-inside.ts";
import { readHeldText } from "./up-message.ts";
import type { UpMessage, UpReply } from "./up-outside.ts";

export async function replyToUp(path: string, script: string, tellPull: UpRequest["tellPull"]): Promise<void> {
  const { options, request } = JSON.parse(readHeldText(path)) as UpMessage;
  const tell = (reply: UpReply): void => void writeSync(FD.userOut, `${JSON.stringify(reply)}\n`);
  const launcher = { ...openLauncher(), confirm: (pod: PodName) => tell({ pod }) };
  try {
    await upInside(options, findPrograms(script), { ...request, ...(tellPull && { tellPull }) }, launcher);
    launcher.answer(0);
  } catch (error) {
    try {
      tell({ error: asPeapodError(error).toJSON() });
    } catch {
      // Killed while it waited: all is undone, and nobody asks why.
    }
    launcher.answer(1);
    process.exit(1);
  }
}
