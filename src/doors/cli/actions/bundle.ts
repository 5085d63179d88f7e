// spec, bundle.

import { PeapodError } from "../../../base/errors.ts";
import type { Plan } from "../../../plan/plan.ts";
import { EXIT } from "../exit-codes.ts";
import { makeTable } from "../table.ts";
import { planRequestOf, type Task } from "../task.ts";
import { printJson, tableWidth, writeNewFile } from "./print.ts";

export async function spec(task: Task): Promise<number> {
  const text = await (await task.engine()).template();
  const file = task.options.text("out");
  if (file === undefined) task.world.output.out(text);
  else writeNewFile(file, text);
  return EXIT.ok;
}

export async function bundle(task: Task): Promise<number> {
  const { options, world } = task;
  const outDir = options.text("out");
  const explain = options.flag("explain");
  if (outDir === undefined && !explain) {
    throw new PeapodError("BAD_USAGE", "bundle: where to write the bundles is missing", { hint: "give -o DIR" });
  }
  const engine = await task.engine();
  const request = { ...planRequestOf(task), isBundle: true as const };
  const report = outDir === undefined ? undefined : await engine.bundle({ ...request, outDir });
  const inJson = options.text("format") === "json";
  if (explain) {
    const rows = explainPlan(report?.plan ?? (await engine.plan({ ...request, pulls: false })));
    if (inJson) printJson(task, rows);
    else {
      const columns = ["CONTAINER", "PART", "FROM", "WHERE"].map((title) => ({ title }));
      const cells = rows.map((row) => [row.container, row.part, row.source, row.where]);
      world.output.out(makeTable(columns, cells, tableWidth(task)));
    }
  } else if (inJson) printJson(task, report?.bundles);
  else for (const written of report?.bundles ?? []) world.output.out(`${written.dir}\n`);
  return EXIT.ok;
}

function explainPlan(plan: Plan) {
  return plan.containers.flatMap((container) =>
    Object.entries(container.reasons).map(([part, reason]) => ({ container: container.name, part, ...reason })),
  );
}
