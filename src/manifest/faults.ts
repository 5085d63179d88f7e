// What is wrong with a manifest: where (file, line, column, path) and why. All faults become one error.

import { PeapodError } from "../base/errors.ts";
import type { Fault } from "./manifest.ts";

/** A hostile file can be wrong in a million places; more than these nobody reads. */
const MAX_FAULTS = 100;

/** One line a fault: `pod.yaml:14:7 spec.containers[0].imagee: unknown field; did you mean "image"?`. */
export function formatFaults(faults: readonly Fault[]): string {
  return faults.map(formatFault).join("\n");
}

function formatFault({ file, line, column, path, message }: Fault): string {
  return `${file}:${line}:${column}${path === "" ? "" : ` ${path}`}: ${message}`;
}

/** BAD_MANIFEST with `faults` (in the order of the file) as its detail; at least one. */
export function badManifest(faults: readonly Fault[]): PeapodError {
  // An alias repeats its anchor's faults at the same place, under other paths.
  const distinct = new Map([...faults].reverse().map((fault) => [identityOf(fault), fault]));
  const sorted = [...distinct.values()].reverse().sort((a, b) => a.line - b.line || a.column - b.column);
  const [first] = sorted;
  if (first === undefined) throw new PeapodError("BUG", "manifest: refused without a fault");
  const more = sorted.length - 1;
  const rest = more === 0 ? "" : more === 1 ? " (and 1 more fault)" : ` (and ${more} more faults)`;
  return new PeapodError("BAD_MANIFEST", `${formatFault(first)}${rest}`, { detail: sorted.slice(0, MAX_FAULTS) });
}

/** Of the file as a whole. */
export function wholeFault(file: string, message: string): Fault {
  return { file, line: 1, column: 1, path: "", message };
}

function identityOf({ line, column, path, message }: Fault): string {
  const field = /[^.[]*$/.exec(path)?.[0] ?? "";
  return `${line}:${column}:${field}:${message}`;
}

/** A JSON pointer as people write it: `/spec/containers/0/image` → `spec.containers[0].image`. */
export function formatPath(pointer: string): string {
  let path = "";
  for (const token of pointer.split("/").slice(1)) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (/^(0|[1-9][0-9]*)$/.test(name)) path += `[${name}]`;
    else if (/^[A-Za-z_$][A-Za-z0-9_$-]*$/.test(name)) path += path === "" ? name : `.${name}`;
    else path += `[${JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)}]`;
  }
  return path;
}
