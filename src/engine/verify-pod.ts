// Holds a journal against the rules of events, as anybody may do at any time.

import { readFileSync } from "node:fs";
import { errnoOf, PeapodError } from "../base/errors.ts";
import type { PodName } from "../base/names.ts";
import { makePodPaths } from "../base/paths.ts";
import { parseJournal } from "../state/parse-journal.ts";
import { verifyEvents } from "../state/verify.ts";
import type { VerifyReport } from "./engine.ts";

/** @throws NOT_FOUND, STATE_DAMAGED */
export function verifyPod(root: string, what: { readonly pod: PodName } | { readonly journal: string }): VerifyReport {
  const path = "pod" in what ? makePodPaths(root, what.pod).journal : what.journal;
  const { events } = parseJournal(readJournal(path, "pod" in what ? `pod ${what.pod}` : path), path);
  const violations = verifyEvents(events, {}).map((violation) => violation.message);
  return { violations, events: events.length };
}

function readJournal(path: string, name: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new PeapodError("NOT_FOUND", `${name}: does not exist`);
  }
}
