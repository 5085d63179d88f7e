// An error as its user reads it: one sentence, a hint, the faults of a manifest that the sentence does not tell one a line; or one JSON object a
// line, in runc's words (level, msg, time) and with our code. Never a stack trace unless asked for.

import { asPeapodError, type PeapodError } from "../../base/errors.ts";
import type { Fault } from "../../manifest/manifest.ts";

export interface ErrorStyle {
  readonly format: "text" | "json";
  readonly debug: boolean;
}

/** Found before the command line is parsed, since that may be what fails. */
export function findErrorStyle(argv: readonly string[]): ErrorStyle {
  const at = argv.indexOf("--log-format");
  const json = argv.includes("--log-format=json") || (at >= 0 && argv[at + 1] === "json");
  return { format: json ? "json" : "text", debug: argv.includes("--debug") };
}

/** Ends with a newline. */
export function makeErrorText(thrown: unknown, style: ErrorStyle, now: Date): string {
  const error = asPeapodError(thrown, "internal error");
  return style.format === "json" ? makeJsonLine(error, style, now) : makeLines(error, style);
}

function makeLines(error: PeapodError, style: ErrorStyle): string {
  const faults = untoldFaults(error);
  const lines = [`peapod: ${makeVisible(error.message)}`, ...faults.map(makeFaultLine).map(makeVisible)];
  if (error.hint !== undefined) lines.push(`hint: ${makeVisible(error.hint)}`);
  else if (error.code === "BUG") lines.push("hint: this is a fault of peapod; --debug tells where");
  if (style.debug) lines.push(`code: ${error.code}`, stackOf(error));
  return `${lines.join("\n")}\n`;
}

/** A runtime's last words, or a name in a manifest, must not move the cursor of who reads the error. */
function makeVisible(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

function makeJsonLine(error: PeapodError, style: ErrorStyle, now: Date): string {
  const { message, ...rest } = error.toJSON();
  const line = { level: "error", msg: message, time: now.toISOString(), ...rest };
  return `${JSON.stringify(style.debug ? { ...line, stack: stackOf(error) } : line)}\n`;
}

/** `pod.yaml:14:7: spec.containers[0].imagee: unknown field`, as compilers write and editors jump to. */
function makeFaultLine(fault: Fault): string {
  const path = fault.path === "" ? "" : `${fault.path}: `;
  return `${fault.file}:${fault.line}:${fault.column}: ${path}${fault.message}`;
}

function faultsOf(error: PeapodError): readonly Fault[] {
  return error.code === "BAD_MANIFEST" && Array.isArray(error.detail) ? error.detail : [];
}

/** Those that the sentence does not tell already. */
function untoldFaults(error: PeapodError): readonly Fault[] {
  const [first, ...others] = faultsOf(error);
  if (first === undefined) return [];
  const { file, line, column, message } = first;
  const isTold = error.message.includes(`${file}:${line}:${column}`) && error.message.includes(message);
  return isTold ? others : [first, ...others];
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
