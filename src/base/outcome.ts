// What crosses from one bundle of ours to another: each has an error class of its own, so an error goes as data.

import { asPeapodError, type ErrorJson, PeapodError } from "./errors.ts";

export type Outcome<T> = { readonly value: T } | { readonly error: ErrorJson };

export async function asOutcome<T>(run: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await run() };
  } catch (error) {
    return { error: asPeapodError(error).toJSON() };
  }
}

/** @throws what was thrown there */
export function takeOutcome<T>(outcome: Outcome<T>): T {
  if ("error" in outcome) throw PeapodError.fromJson(outcome.error);
  return outcome.value;
}
