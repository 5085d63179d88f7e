// A runtime's answer to `state`, taken only as our schema has it.

import { PeapodError } from "../base/errors.ts";

export interface RuntimeState {
  readonly status: "creating" | "created" | "running" | "stopped" | "paused";
  /** 0 where there is no process any more. */
  readonly pid: number;
}

/** @throws RUNTIME_FAILED */
export async function parseState(what: string, text: string): Promise<RuntimeState> {
  // Asked for only where a supervisor finds its way back: a first container does not wait for the validators.
  const { validate } = await import("../base/validate.ts");
  const value = parseJson(text);
  const [violation] = validate("runc-state", value);
  if (violation !== undefined) {
    throw new PeapodError("RUNTIME_FAILED", `${what}: the runtime's answer to state is not what OCI asks for`, {
      detail: { pointer: violation.pointer, message: violation.message, text: text.slice(0, 500) },
      hint: "is it an OCI runtime?",
    });
  }
  const { status, pid } = value as { status: RuntimeState["status"]; pid?: number };
  return { status, pid: status === "stopped" ? 0 : (pid ?? 0) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
