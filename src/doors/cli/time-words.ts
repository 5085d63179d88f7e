// Times as people say them; tables only. Pure.

const STEPS: readonly (readonly [string, number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** `3 minutes ago`; `-` where there is no time. A clock that was set back gives `just now`. */
export function makeAgo(time: string | undefined, now: Date): string {
  if (time === undefined) return "-";
  const seconds = Math.floor((now.getTime() - Date.parse(time)) / 1000);
  for (const [word, length] of STEPS) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${word}${count === 1 ? "" : "s"} ago`;
  }
  return "just now";
}
