// How far a pull is, on standard error: on a terminal one line that changes, elsewhere one line for each thing that begins.

import type { PullNews } from "../../engine/engine.ts";
import type { Output } from "./output.ts";
import { makeSize } from "./size-words.ts";

const VERBS: Readonly<Record<PullNews["doing"], string>> = {
  pulling: "pulling",
  unpacking: "unpacking",
  waiting: "waiting for another pull of",
  "would pull": "would pull",
  done: "",
  failed: "",
};
const BAR = 24;

export function makePullTeller(output: Output): (news: PullNews) => void {
  let last = "";
  const isTerminal = () => output.isErrorTerminal;
  return (news) => {
    const line = VERBS[news.doing] === "" ? "" : `${VERBS[news.doing]} ${news.image}`;
    if (isTerminal() && news.doing !== "would pull") {
      const text = line === "" ? "" : makeProgress(line, news, output.columns);
      // Nothing was drawn, so that there is nothing to be wiped away.
      if (text !== last) output.err(`\r\x1b[K${text}`);
      last = text;
      return;
    }
    if (line !== "" && line !== last) output.err(`${line}\n`);
    last = line;
  };
}

/** `pulling docker.io/library/nginx:1.27 ━━━━━━━━╺─────── 38% 12 MB of 31 MB`; what does not fit is left out. Pure. */
export function makeProgress(line: string, { doneBytes, totalBytes }: PullNews, columns: number): string {
  const room = columns - 1;
  if (totalBytes === 0) return cut(doneBytes === 0 ? line : `${line} ${makeSize(doneBytes)}`, room);
  const part = Math.min(doneBytes / totalBytes, 1);
  const filled = Math.round(part * BAR);
  const percent = `${String(Math.floor(part * 100)).padStart(3)}%`;
  const sizes = `${makeSize(Math.min(doneBytes, totalBytes))} of ${makeSize(totalBytes)}`;
  const bar = `${"━".repeat(filled)}${"─".repeat(BAR - filled)}`;
  const forms = [`${line} ${bar} ${percent} ${sizes}`, `${line} ${percent} ${sizes}`, `${line} ${percent}`];
  return forms.find((form) => form.length <= room) ?? cut(line, room);
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`;
}
