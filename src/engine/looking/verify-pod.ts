// Holds a journal against the rules of events, as anybody may do at any time.

import { readFileSync } from "node:fs";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import type { PodName } from "../../base/names.ts";
import { makePodPaths } from "../../base/paths.ts";
import { verifyJournal } from "../../state/verify-journal.ts";
import type { VerifyReport } from "../engine.ts";

/** @throws NOT_FOUND, STATE_DAMAGED */
export function verifyPod(root: string, what: { readonly pod: PodName } | { readonly journal: string }): VerifyReport {
  const path = "pod" in what ? makePodPaths(root, what.pod).journal : what.journal;
  const bytes = readJournal(path, "pod" in what ? `pod ${what.pod}` : path);
  const { violations, events, dropped } = verifyJournal(bytes, path);
  return { violations: violations.map(({ message }) => message), events, dropped };
}

function readJournal(path: string, name: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new PeapodError("NOT_FOUND", `${name}: does not exist`);
  }
}
