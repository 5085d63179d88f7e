// volume list, inspect, rm, prune.

import { EXIT } from "../exit-codes.ts";
import { makeTable } from "../table.ts";
import type { Task } from "../task.ts";
import { makeAgo } from "../time-words.ts";
import { forEachName } from "./for-each-name.ts";
import { printJson, tableWidth } from "./print.ts";

export async function list(task: Task): Promise<number> {
  const { options, world } = task;
  const volumes = await (await task.engine()).volumes.list();
  if (options.flag("quiet")) for (const { name } of volumes) world.output.out(`${name}\n`);
  else if (options.text("format") === "json") printJson(task, volumes.map(withNulls));
  else {
    const columns = [{ title: "VOLUME", gives: true }, { title: "CREATED" }, { title: "USED BY" }] as const;
    const rows = volumes.map(({ name, createdAt, usedBy }) => [
      name,
      makeAgo(createdAt, world.now()),
      usedBy.length === 0 ? "-" : usedBy.join(", "),
    ]);
    world.output.out(makeTable(columns, rows, tableWidth(task)));
  }
  return EXIT.ok;
}

export async function inspect(task: Task): Promise<number> {
  const engine = await task.engine();
  const found = [];
  for (const name of task.args) found.push(await engine.volumes.inspect(name));
  printJson(task, found.map(withNulls));
  return EXIT.ok;
}

export async function remove(task: Task): Promise<number> {
  const engine = await task.engine();
  return await forEachName(task, (name) => engine.volumes.remove(name));
}

export async function prune(task: Task): Promise<number> {
  for (const name of await (await task.engine()).volumes.prune()) task.world.output.out(`${name}\n`);
  return EXIT.ok;
}

/** A key is always there. */
function withNulls<T extends { createdAt: string | undefined; createdBy: string | undefined }>(volume: T): T {
  return { ...volume, createdAt: volume.createdAt ?? null, createdBy: volume.createdBy ?? null };
}
