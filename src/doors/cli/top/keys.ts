// Bytes of a terminal in raw mode to the keys that were pressed. Pure; sequences that nobody knows are no key.

export type Key =
  | "up"
  | "down"
  | "left"
  | "right"
  | "home"
  | "end"
  | "pageup"
  | "pagedown"
  | "enter"
  | "escape"
  | "interrupt"
  | (string & {});

const SEQUENCES: Readonly<Record<string, Key>> = {
  "[A": "up",
  "[B": "down",
  "[C": "right",
  "[D": "left",
  "[H": "home",
  "[F": "end",
  "[1~": "home",
  "[4~": "end",
  "[5~": "pageup",
  "[6~": "pagedown",
  OA: "up",
  OB: "down",
  OC: "right",
  OD: "left",
  OH: "home",
  OF: "end",
};

export function parseKeys(text: string): readonly Key[] {
  const keys: Key[] = [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what keys send
  for (const [found, sequence] of text.matchAll(/\u001b(\[[0-9;]*[A-Za-z~]|O[A-Z])|./gsu)) {
    if (sequence !== undefined) {
      const key = SEQUENCES[sequence];
      if (key !== undefined) keys.push(key);
    } else if (found === "\r" || found === "\n" || found === " ") keys.push("enter");
    else if (found === "\u0003" || found === "\u0004") keys.push("interrupt");
    else if (found === "\u001b") keys.push("escape");
    else if (found >= " ") keys.push(found);
  }
  return keys;
}
