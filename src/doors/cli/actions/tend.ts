// doctor, verify: they look for something, and status 1 says that they found it.

import { isAbsolute } from "node:path";
import type { DoctorObject, VerifyReport } from "../../../engine/engine.ts";
import { EXIT } from "../exit-codes.ts";
import { makeTable } from "../table.ts";
import { asPodName, type Task } from "../task.ts";
import { printJson, tableWidth } from "./print.ts";

export async function doctor(task: Task): Promise<number> {
  const fix = task.options.flag("fix");
  const { objects, fixed, problems } = await (await task.engine()).doctor({ fix });
  const isSame = (a: DoctorObject, b: DoctorObject) => a.kind === b.kind && a.name === b.name;
  const left = objects.filter((object) => object.orphan && !fixed.some((gone) => isSame(gone, object)));
  if (task.options.text("format") === "json") printJson(task, { objects, fixed, problems });
  else {
    const columns = [
      { title: "OWNER" },
      { title: "KIND" },
      { title: "NAME" },
      { title: "DETAIL", gives: true },
    ] as const;
    const rows = objects.map((object) => {
      const fate = fixed.some((gone) => isSame(gone, object)) ? "removed: " : object.orphan ? "left over: " : "";
      return [object.owner ?? "-", object.kind, object.name, `${fate}${object.detail}`];
    });
    const { output } = task.world;
    if (rows.length > 0) output.out(makeTable(columns, rows, tableWidth(task)));
    output.out(`${count(objects.length, "object")}, ${left.length} left over, ${fixed.length} removed\n`);
    if (left.length > 0 && !fix) output.err("hint: peapod doctor --fix removes what was left over\n");
  }
  for (const problem of problems) task.world.output.err(`peapod: ${problem}\n`);
  return left.length === 0 && problems.length === 0 ? EXIT.ok : EXIT.found;
}

export async function verify(task: Task): Promise<number> {
  const what = task.args[0] ?? "";
  const where = isPath(what) ? { journal: what } : { pod: asPodName(what) };
  const report = await (await task.engine()).verify(where);
  if (task.options.text("format") === "json") printJson(task, report);
  else task.world.output.out(makeVerdict(what, report));
  return report.violations.length === 0 ? EXIT.ok : EXIT.found;
}

function makeVerdict(what: string, report: VerifyReport): string {
  const dropped = report.dropped === 0 ? "" : ` (of the first ${report.dropped} only the sum is kept)`;
  if (report.violations.length === 0)
    return `${what}: ${count(report.events, "event")}${dropped}, every rule is kept\n`;
  return [...report.violations, `${what}: ${count(report.violations.length, "rule")} broken`]
    .map((line) => `${line}\n`)
    .join("");
}

function isPath(text: string): boolean {
  return isAbsolute(text) || text.includes("/");
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}
