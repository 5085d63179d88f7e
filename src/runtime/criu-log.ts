// Why CRIU did not do it, out of the hundreds of lines that it writes about what it does. Pure.

/** What it says where nothing is amiss: it would like to have more descriptors than it needs. */
const NOISE: readonly RegExp[] = [/RLIMIT_NOFILE/];

/** The first error is the cause; the others follow from it. Undefined where the log tells none. */
export function findCriuReason(log: string): string | undefined {
  for (const line of log.split("\n")) {
    const text = /\bError \([^)]*\): (?<text>.+)$/.exec(line)?.groups?.text;
    if (text === undefined || NOISE.some((noise) => noise.test(text))) continue;
    return text.trim();
  }
  return undefined;
}
