// image list, pull, inspect, rm, prune, du.

import { isPodName } from "../../../base/names.ts";
import type { Engine, KeptImage } from "../../../engine/engine.ts";
import { EXIT, statusOfSignal } from "../exit-codes.ts";
import { makePullTeller } from "../pull-teller.ts";
import { makeSize } from "../size-words.ts";
import { makeTable } from "../table.ts";
import type { StopSignal, Task } from "../task.ts";
import { makeAgo } from "../time-words.ts";
import { forEachName } from "./for-each-name.ts";
import { printJson, tableWidth } from "./print.ts";

/** As podman shortens them; enough to name one by. */
const DIGITS = 12;

export async function list(task: Task): Promise<number> {
  const { options, world } = task;
  const images = await (await task.engine()).images.list();
  if (options.flag("quiet")) for (const { digest } of images) world.output.out(`${digest}\n`);
  else if (options.text("format") === "json") printJson(task, images.map(withNulls));
  else {
    const columns = [
      { title: "IMAGE", gives: true },
      { title: "DIGEST" },
      { title: "PULLED" },
      { title: "SIZE", align: "right" },
      { title: "USED BY" },
    ] as const;
    const rows = images.flatMap((image) => {
      const names = image.names.length === 0 ? ["-"] : image.names;
      return names.map((name) => [
        name,
        image.digest.slice("sha256:".length).slice(0, DIGITS),
        makeAgo(image.pulledAt, world.now()),
        makeSize(image.sizeBytes),
        image.usedBy.length === 0 ? "-" : image.usedBy.join(", "),
      ]);
    });
    world.output.out(makeTable(columns, rows, tableWidth(task)));
  }
  return EXIT.ok;
}

export async function pull(task: Task): Promise<number> {
  const { images } = await task.engine();
  const abort = new AbortController();
  let stopped: StopSignal | undefined;
  const ignoreSignals = task.world.onSignal((signal) => {
    stopped ??= signal;
    abort.abort();
  });
  const tellPull = makePullTeller(task.world.output);
  try {
    return await forEachName(task, async (image) => {
      if (stopped !== undefined) return;
      task.world.output.out(`${await images.pull({ image, policy: "Always", signal: abort.signal, tellPull })}\n`);
    }).then((status) => (stopped === undefined ? status : statusOfSignal(stopped)));
  } finally {
    ignoreSignals();
  }
}

export async function inspect(task: Task): Promise<number> {
  const { images } = await task.engine();
  const found = [];
  for (const name of task.args) found.push(await images.inspect(name));
  printJson(task, found.map(withNulls));
  return EXIT.ok;
}

export async function remove(task: Task): Promise<number> {
  const engine = await task.engine();
  return await forEachName(task, async (name) => {
    if (task.options.flag("force")) await deleteUsers(engine, name);
    task.world.output.out(`${await engine.images.remove(name)}\n`);
  });
}

export async function prune(task: Task): Promise<number> {
  const removed = await (await task.engine()).images.prune({ all: task.options.flag("all") });
  for (const digest of removed) task.world.output.out(`${digest}\n`);
  return EXIT.ok;
}

export async function du(task: Task): Promise<number> {
  const parts = await (await task.engine()).images.measure();
  if (task.options.text("format") === "json") {
    printJson(task, parts);
    return EXIT.ok;
  }
  const columns = [
    { title: "KIND", gives: true },
    { title: "COUNT", align: "right" },
    { title: "SIZE", align: "right" },
    { title: "UNUSED", align: "right" },
  ] as const;
  const rows = parts.map(({ kind, count, sizeBytes, reclaimableBytes }) => [
    kind,
    String(count),
    makeSize(sizeBytes),
    makeSize(reclaimableBytes),
  ]);
  task.world.output.out(makeTable(columns, rows, tableWidth(task)));
  return EXIT.ok;
}

/** Where the name is one of several, nothing that a pod uses goes with it. */
async function deleteUsers(engine: Engine, name: string): Promise<void> {
  const { usedBy, names } = await engine.images.inspect(name);
  if (names.length > 1) return;
  for (const pod of usedBy) if (isPodName(pod)) await engine.client(pod).delete({ force: true });
}

/** A key is always there. */
function withNulls({ createdAt, pulledAt, ...image }: KeptImage) {
  return { ...image, createdAt: createdAt ?? null, pulledAt: pulledAt ?? null };
}
