// network list, inspect, check; port.

import { PeapodError } from "../../../base/errors.ts";
import { EXIT } from "../exit-codes.ts";
import { makeTable } from "../table.ts";
import { podOf, type Task } from "../task.ts";
import { printJson, tableWidth } from "./print.ts";

export async function list(task: Task): Promise<number> {
  const { options, world } = task;
  const networks = await (await task.engine()).networks.list();
  if (options.flag("quiet")) {
    for (const { name } of networks) if (name !== "") world.output.out(`${name}\n`);
  } else if (options.text("format") === "json") {
    printJson(
      task,
      networks.map(({ fault, ...one }) => ({ ...one, file: one.file ?? null, fault: fault ?? null })),
    );
  } else {
    const columns = [
      { title: "NETWORK" },
      { title: "VERSION" },
      { title: "PLUGINS" },
      { title: "PODS" },
      { title: "FILE", gives: true },
    ] as const;
    const rows = networks.map(({ name, cniVersion, plugins, pods, file, isUsual }) => [
      `${name || "-"}${isUsual ? " (usual)" : ""}`,
      cniVersion || "-",
      plugins.join(",") || "-",
      String(pods.length),
      file ?? "peapod's own",
    ]);
    world.output.out(makeTable(columns, rows, tableWidth(task)));
    for (const { fault } of networks) if (fault !== undefined) world.output.err(`peapod: ${fault}\n`);
  }
  return EXIT.ok;
}

export async function inspect(task: Task): Promise<number> {
  const { networks } = await task.engine();
  const found = [];
  for (const name of task.args) found.push(await networks.inspect(name));
  printJson(
    task,
    found.map(({ file, ...list }) => ({ ...list, file: file ?? null })),
  );
  return EXIT.ok;
}

export async function check(task: Task): Promise<number> {
  const complaints = await (await task.engine()).networks.check(podOf(task));
  for (const complaint of complaints) await task.complain(complaint);
  return complaints.length === 0 ? EXIT.ok : EXIT.found;
}

export async function port(task: Task): Promise<number> {
  const pod = podOf(task);
  const { sandbox } = await (await task.engine()).reader.plan(pod);
  const ports = (sandbox.ports ?? sandbox.uplink?.ports ?? []).map(({ hostPort, containerPort, protocol, hostIP }) => ({
    hostPort,
    containerPort,
    protocol,
    hostIP: hostIP ?? "0.0.0.0",
  }));
  const [, wanted] = task.args;
  const shown = wanted === undefined ? ports : ports.filter(isMeant(wanted));
  if (wanted !== undefined && shown.length === 0)
    throw new PeapodError("NOT_FOUND", `pod ${pod}: no port of the host leads to ${wanted}`);
  if (task.options.text("format") === "json") printJson(task, shown);
  else {
    for (const one of shown) {
      const outside = `${one.hostIP.includes(":") ? `[${one.hostIP}]` : one.hostIP}:${one.hostPort}`;
      const inside = `${one.containerPort}/${one.protocol}`;
      task.world.output.out(wanted === undefined ? `${inside} -> ${outside}\n` : `${outside}\n`);
    }
  }
  return EXIT.ok;
}

/** `53/udp`; without a protocol it is TCP, as in podman. @throws BAD_USAGE */
function isMeant(wanted: string): (port: { readonly containerPort: number; readonly protocol: string }) => boolean {
  const match = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(wanted);
  if (match === null) throw new PeapodError("BAD_USAGE", `port ${wanted}: is not a port, such as 80 or 53/udp`);
  const [, port, protocol = "tcp"] = match;
  return (one) => one.containerPort === Number(port) && one.protocol === protocol;
}
