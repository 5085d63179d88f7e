// The keys that end an attachment and leave the container alone, in podman's words: `ctrl-p,ctrl-q`. Pure.

import { PeapodError } from "../../base/errors.ts";

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";
/** What Ctrl makes of them: 0, and 27 to 31. */
const SIGNS = new Map([["@", 0], ..."[\\]^_".split("").map((sign, index) => [sign, 27 + index] as const)] as const);

/** One byte a key; empty: there are none. @throws BAD_USAGE */
export function parseDetachKeys(text: string): readonly number[] {
  return text === "" ? [] : text.split(",").map(parseKey);
}

function parseKey(word: string): number {
  const [, held] = /^ctrl-(.)$/i.exec(word) ?? [];
  const code = held === undefined ? undefined : (SIGNS.get(held) ?? letterCode(held));
  if (code !== undefined) return code;
  if (held === undefined && /^[\x21-\x7e]$/.test(word)) return word.charCodeAt(0);
  throw new PeapodError("BAD_USAGE", `option --detach-keys: ${JSON.stringify(word)} is not a key`, {
    hint: "keys are single characters, or ctrl- and one of a-z, @, [, \\, ], ^ and _; a comma separates them",
  });
}

function letterCode(sign: string): number | undefined {
  const code = sign.toLowerCase().charCodeAt(0) - 96;
  return code >= 1 && code <= 26 ? code : undefined;
}

/** Keys that may be the beginning of the sequence are kept back until it is known whether they are. */
export class DetachKeys {
  readonly #keys: readonly number[];
  #seen = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** `bytes`: what the container gets. */
  take(typed: Uint8Array): { readonly bytes: Buffer; readonly isDetached: boolean } {
    const passed: number[] = [];
    for (const key of typed) {
      if (this.#keys.length === 0) return { bytes: Buffer.from(typed), isDetached: false };
      if (key !== this.#keys[this.#seen]) {
        passed.push(...this.#keys.slice(0, this.#seen));
        this.#seen = 0;
      }
      if (key !== this.#keys[this.#seen]) passed.push(key);
      else this.#seen += 1;
      if (this.#seen === this.#keys.length) {
        this.#seen = 0;
        return { bytes: Buffer.from(passed), isDetached: true };
      }
    }
    return { bytes: Buffer.from(passed), isDetached: false };
  }
}
