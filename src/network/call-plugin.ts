// Runs one plugin to its end or its deadline. What it started dies with it then.

import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { CallResult } from "../base/call.ts";
import { PeapodError } from "../base/errors.ts";
import { swiftCall } from "../base/swift-call.ts";
import type { NetworkList, PluginCall } from "./network.ts";

/** @throws HOST_LACKS where no directory has it; what it does and says is for parse-answer.ts to judge */
export async function callPlugin(
  call: PluginCall,
  {
    network,
    path,
    timeoutMs,
  }: { readonly network: string; readonly path: readonly string[]; readonly timeoutMs: number },
): Promise<CallResult> {
  const program = findPlugin(call.type, path);
  if (program === undefined) throw makeMissing(network, call.type, path);
  return await swiftCall({ program, args: [], env: call.env, input: call.config, timeoutMs, endsGroup: true });
}

/** All programs that a list needs, before the first is run. @throws HOST_LACKS */
export function assertPlugins(list: NetworkList, path: readonly string[]): void {
  for (const { type, ipam } of list.plugins) {
    const helper = (ipam as { readonly type?: unknown } | undefined)?.type;
    for (const one of [type, ...(typeof helper === "string" && helper !== "" ? [helper] : [])])
      if (findPlugin(one, path) === undefined) throw makeMissing(list.name, one, path);
  }
}

function findPlugin(type: string, path: readonly string[]): string | undefined {
  return path.map((dir) => join(dir, type)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function makeMissing(network: string, type: string, path: readonly string[]): PeapodError {
  return new PeapodError("HOST_LACKS", `network ${network}: plugin ${type} is not in ${path.join(":")}`, {
    hint: "install containernetworking-plugins, name its directory in CNI_PATH, or do without: --network none",
  });
}
