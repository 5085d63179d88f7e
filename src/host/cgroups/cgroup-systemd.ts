// The systemd driver: where systemd rules the cgroup tree a pod's cgroup is a slice, which systemd makes and removes and
// nobody else may touch (systemd's CGROUP_DELEGATION document). Only pods' slices here; containers' scopes are the runtime's.

import { existsSync } from "node:fs";
import { basename } from "node:path";
import { PeapodError } from "../../base/errors.ts";
import type { PodCgroup } from "../../plan/plan.ts";
import { makeToolError, TOOL_ENVIRONMENT } from "../tool-error.ts";

/** Where systemd keeps units that were made by a call, and have no file of their own. */
const TRANSIENT = "/run/systemd/transient";
/** Where systemctl set-property --runtime leaves them. */
const CONTROL = "/run/systemd/system.control";
const TIMEOUT_MS = 30_000;
/** sd_booted(3) asks no more than this. */
const BOOTED = "/run/systemd/system";

/** systemctl's exit code for a unit that it has never heard of. */
const NOT_LOADED = 5;

/** The slice's unit: `/peapod.slice/peapod-web.slice` → `peapod-web.slice` (systemd.slice(5)). */
export function makeSliceUnit(path: string): string {
  const unit = basename(path);
  if (unit.endsWith(".slice")) return unit;
  throw new PeapodError("BUG", `cgroup ${path}: is no slice, as the systemd driver needs it`);
}

/** @throws HOST_LACKS where systemd does not run this machine; NOT_PERMITTED */
export async function startSlice({ path, base }: Pick<PodCgroup, "path" | "base">, booted = BOOTED): Promise<void> {
  if (!existsSync(booted)) {
    throw new PeapodError("HOST_LACKS", "cgroup driver systemd: systemd does not run this machine", {
      hint: "use --cgroup-driver cgroupfs",
    });
  }
  const done = await systemctl("start", path);
  if (done.exitCode !== 0) throw makeToolError(`slice ${makeSliceUnit(path)}`, "systemctl", "systemd", done);
  // The slice above was there, or systemd has made it by itself just now; from here on the pod's holds it.
  if (!existsSync(`${TRANSIENT}/${makeSliceUnit(base)}`)) await goWithLastPod(makeSliceUnit(base));
}

/**
 * Systemd would keep for ever what it made by itself. Made ours while it runs it goes with its last pod, and no pod that comes at
 * that moment is harmed, as it would be by a `stop` of ours. Refused where somebody has a unit file for it: then that says when.
 */
async function goWithLastPod(base: string): Promise<void> {
  // See org.freedesktop.systemd1(5).
  const manager = ["org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"];
  const signature = "ssa(sv)a(sa(sv))";
  const unit = [base, "fail", "1", "StopWhenUnneeded", "b", "true", "0"];
  await run("busctl", ["--quiet", "call", ...manager, "StartTransientUnit", signature, ...unit]);
}

/** Until the machine is booted anew, or the slice is stopped. @throws WRONG_STATE for what systemd does not take */
export async function setSliceProperties(path: string, properties: readonly string[]): Promise<void> {
  if (properties.length === 0) return;
  const done = await systemctl("set-property", path, properties);
  if (done.exitCode === 0) return;
  throw makeToolError(`slice ${makeSliceUnit(path)}`, "systemctl", "systemd", done);
}

/** Where systemd does not run, none was ever started. */
export async function stopSlice(path: string, booted = BOOTED): Promise<void> {
  if (!existsSync(booted)) return;
  const done = await systemctl("stop", path);
  // Its properties lie in a file that would hold for the next pod of this name.
  if (existsSync(`${CONTROL}/${makeSliceUnit(path)}.d`)) await systemctl("revert", path);
  if (done.exitCode === 0 || done.exitCode === NOT_LOADED) return;
  throw makeToolError(`slice ${makeSliceUnit(path)}`, "systemctl", "systemd", done);
}

function systemctl(verb: "start" | "stop" | "set-property" | "revert", path: string, more: readonly string[] = []) {
  const flags = ["--quiet", ...(verb === "set-property" ? ["--runtime"] : [])];
  return run("systemctl", [verb, ...flags, "--", makeSliceUnit(path), ...more]);
}

async function run(program: string, args: readonly string[]) {
  const { call } = await import("../../base/call.ts");
  return call({ program, args, env: TOOL_ENVIRONMENT, timeoutMs: TIMEOUT_MS });
}
