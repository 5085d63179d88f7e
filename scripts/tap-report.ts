// One test file's TAP to what people want to know of it. Pure.

export interface FileReport {
  /** Outermost test points that passed. */
  readonly passed: number;
  /** For each that did not: its name and all that was said about it. */
  readonly failures: readonly string[];
  /** Names and reasons, of whatever depth. */
  readonly skips: readonly string[];
}

const POINT = /^( *)(not )?ok \d+(?: - (.*?))?(?: # (SKIP|TODO)\b ?(.*?))?(?: # time=\S+)?(?: \{)?$/;

/** `end`: the program's exit code, or the signal that ended it. */
export function parseReport(stdout: string, stderr: string, end: number | string): FileReport {
  let passed = 0;
  const failures: string[] = [];
  const skips: string[] = [];
  /** What was printed since the last outermost point: the story of the next one. */
  let story: string[] = [];
  for (const line of stdout.split("\n")) {
    const point = POINT.exec(line);
    story.push(line);
    if (!point) continue;
    const [, indent, not, name = "", directive, reason = ""] = point;
    if (directive === "SKIP") skips.push(reason === "" ? name : `${name} (${reason})`);
    if (indent !== "") continue;
    if (not && directive !== "TODO") failures.push([name, ...onlyFailures(story)].join("\n"));
    else if (directive === undefined) passed += 1;
    story = [];
  }
  if (end !== 0 && failures.length === 0) failures.push(`ended with ${end}\n${story.join("\n")}\n${stderr}`);
  if (end === 0 && passed + skips.length === 0) failures.push("has no tests");
  return { passed, failures, skips };
}

/** Without the points that passed, and the blank lines. */
function onlyFailures(story: readonly string[]): string[] {
  return story.filter((line) => {
    const point = POINT.exec(line);
    return line.trim() !== "" && (point === null || point[2] !== undefined);
  });
}
