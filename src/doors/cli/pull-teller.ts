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
/** Less of an image's name says nothing. */
const LEAST_OF_NAME = 6;

/**
 * The cursor waits where the line begins, so that all of it can be wiped away though the window has become narrow and has
 * broken it in two. What begins there next needs no new line.
 */
const WIPE = "\r\x1b[J";
/** Without wrapping: the window may have become narrower this instant, and some show `━` as wide as two. */
const draw = (text: string) => `${WIPE}\x1b[?7l${text}\x1b[?7h\r`;

export function makePullTeller(output: Output): (news: PullNews) => void {
  let last = "";
  return (news) => {
    const verb = VERBS[news.doing];
    const isDrawn = output.errCanDraw && news.doing !== "would pull";
    const line = verb === "" ? "" : `${verb} ${makeVisible(news.image)}`;
    const text = isDrawn && verb !== "" ? makeProgress(news, output.errColumns) : line;
    if (text === last) return;
    last = text;
    // Nothing was drawn before the first, so that there is nothing to be wiped away for one that ends at once.
    if (isDrawn) output.err(text === "" ? WIPE : draw(text));
    else if (text !== "") output.err(`${text}\n`);
  };
}

/**
 * `pulling docker.io/library/nginx:1.27 ━━━━━━━━━─────── 38% 12MiB of 31MiB`; of what does not fit first the bar is left out,
 * then the sizes, then where the name begins. Pure.
 */
export function makeProgress(news: PullNews, columns: number): string {
  const verb = VERBS[news.doing];
  const image = makeVisible(news.image);
  const room = columns - 1;
  const more = makeForms(news);
  const fits = more.find((form) => `${verb} ${image}${form}`.length <= room);
  if (fits !== undefined) return `${verb} ${image}${fits}`;
  const short = more.at(-1) ?? "";
  for (const form of [short, ""]) {
    const left = room - verb.length - 1 - form.length;
    if (left >= LEAST_OF_NAME) return `${verb} ${cutFront(image, left)}${form}`;
  }
  const bare = `${verb}${short}`;
  return bare.length <= room ? bare : verb.slice(0, Math.max(0, room));
}

/** What comes behind the name, the longest first. */
function makeForms({ doneBytes, totalBytes }: PullNews): string[] {
  if (totalBytes === 0) return [doneBytes === 0 ? "" : ` ${makeSize(doneBytes)}`];
  const part = Math.min(doneBytes / totalBytes, 1);
  const filled = Math.round(part * BAR);
  const percent = ` ${String(Math.floor(part * 100)).padStart(3)}%`;
  const sizes = ` ${makeSize(Math.min(doneBytes, totalBytes))} of ${makeSize(totalBytes)}`;
  const bar = ` ${"━".repeat(filled)}${"─".repeat(BAR - filled)}`;
  return [`${bar}${percent}${sizes}`, `${percent}${sizes}`, percent];
}

/** Which image it is, the end of a name tells best. */
function cutFront(text: string, room: number): string {
  return text.length <= room ? text : `…${text.slice(text.length - room + 1)}`;
}

/** A manifest's words must not move the cursor. */
function makeVisible(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}
