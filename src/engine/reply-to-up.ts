// The inner end of `up` for a caller that lives on beside the pod: takes its message, replies with one line of JSON, and
// goes on as the pod's supervisor.

import { writeSync } from "node:fs";
import { asPeapodError } from "../base/errors.ts";
import { findPrograms } from "./programs.ts";
import { FD, openLauncher } from "./reaper-link.ts";
import { upInside } from "./up-inside.ts";
import type { UpMessage, UpReply } from "./up-outside.ts";

export async function replyToUp(text: string, script: string): Promise<void> {
  const { options, request } = JSON.parse(text) as UpMessage;
  const launcher = openLauncher();
  const tell = (reply: UpReply) => writeSync(FD.userOut, `${JSON.stringify(reply)}\n`);
  try {
    const { pod } = await upInside(options, findPrograms(script), request, launcher);
    tell({ pod });
    launcher.answer(0);
  } catch (error) {
    tell({ error: asPeapodError(error).toJSON() });
    launcher.answer(1);
    process.exit(1);
  }
}
