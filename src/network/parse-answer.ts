// What a plugin said and how it ended, as its result or one error in its own words (CNI specification 1.1.0, section 5).
// Nothing that it prints is believed before it was looked at.

import { isIP } from "node:net";
import type { CallResult } from "../base/call.ts";
import { PeapodError } from "../base/errors.ts";
import type { AttachedNetwork, NetworkDns, NetworkList, PluginResult, Verb } from "./network.ts";

/** "Try again later". */
export const TRY_AGAIN = 11;

type Fields = Readonly<Record<string, unknown>>;

export interface Asked {
  readonly network: string;
  readonly type: string;
  readonly verb: Verb | "VERSION";
  readonly timeoutMs: number;
}

/** How it ended, told as an error; undefined: well. `detail.code` is the plugin's own. */
export function makePluginError(asked: Asked, done: CallResult): PeapodError | undefined {
  if (done.exitCode === 0 && !done.timedOut && done.startError === undefined) return undefined;
  const who = `network ${asked.network}: plugin ${asked.type}`;
  const detail = { verb: asked.verb, stdout: done.stdout.slice(0, 2000), stderr: done.stderr.slice(0, 2000) };
  if (done.startError !== undefined)
    return new PeapodError("NETWORK_FAILED", `${who}: could not be started: ${done.startError}`, { detail });
  if (done.timedOut) {
    const after = `did not end ${asked.verb} within ${asked.timeoutMs / 1000} s, and was killed`;
    return new PeapodError("TIMED_OUT", `${who}: ${after}`, { detail });
  }
  const told = parseObject(done.stdout);
  if (told !== undefined && typeof told.msg === "string") {
    const details = typeof told.details === "string" && told.details !== "" ? ` (${told.details})` : "";
    return new PeapodError(
      "NETWORK_FAILED",
      `network ${asked.network}: ${asked.type}: ${JSON.stringify(told.msg)}${details}`,
      {
        detail: { ...detail, code: told.code },
      },
    );
  }
  const ended = done.signal === undefined ? `ended ${asked.verb} with ${done.exitCode}` : `was ended by ${done.signal}`;
  return new PeapodError("NETWORK_FAILED", `${who}: ${ended}${saying(done)}`, { detail });
}

/** The answer to ADD. @throws NETWORK_FAILED */
export function parseResult(asked: Asked, done: CallResult): PluginResult {
  const found = parseObject(done.stdout);
  const fault = found === undefined ? `printed no result${saying(done)}` : findFault(found);
  if (found !== undefined && fault === undefined) return found;
  throw new PeapodError("NETWORK_FAILED", `network ${asked.network}: plugin ${asked.type}: ${fault}`, {
    detail: { verb: asked.verb, stdout: done.stdout.slice(0, 2000), stderr: done.stderr.slice(0, 2000) },
  });
}

/** As the next plugin, or this list's version, wants it: before 1.0.0 an address says of which family it is. */
export function convertResult(result: PluginResult, { cniVersion }: Pick<NetworkList, "cniVersion">): PluginResult {
  if (result.cniVersion === cniVersion) return result;
  const isOld = cniVersion.startsWith("0.");
  const ips = listOf(result.ips).map((one) => {
    const { version: _, ...rest } = one;
    return isOld ? { version: String(isIP(addressOf(one).address)), ...rest } : rest;
  });
  return { ...result, cniVersion, ...(result.ips === undefined ? {} : { ips }) };
}

/** What the pod has of the network now. */
export function makeAttached(name: string, ifname: string, result: PluginResult): AttachedNetwork {
  const interfaces = listOf(result.interfaces);
  const isInside = (one: Fields | undefined) =>
    one === undefined || (typeof one.sandbox === "string" && one.sandbox !== "");
  const own = interfaces.find((one) => one.name === ifname && isInside(one));
  const ips = listOf(result.ips).filter(({ interface: index }) => {
    // One that names no interface is the only one's.
    if (typeof index !== "number") return true;
    return interfaces[index] === own || own === undefined;
  });
  return {
    name,
    interface: ifname,
    ...(typeof own?.mac === "string" && own.mac !== "" ? { mac: own.mac } : {}),
    ips: ips.map((one) => ({
      ...addressOf(one),
      ...(typeof one.gateway === "string" && one.gateway !== "" ? { gateway: one.gateway } : {}),
    })),
  };
}

export function makeDns(results: readonly PluginResult[]): NetworkDns {
  const all = results.map(({ dns }) => (isFields(dns) ? dns : {}));
  const collect = (name: string) => [...new Set(all.flatMap((dns) => textsOf(dns[name])))];
  const domains = all.flatMap(({ domain }) => (typeof domain === "string" && domain !== "" ? [domain] : []));
  return {
    nameservers: collect("nameservers"),
    search: [...new Set([...collect("search"), ...domains])],
    options: collect("options"),
  };
}

/** Versions that a plugin says it speaks; none where it says nothing that can be read. */
export function parseVersions(stdout: string): readonly string[] {
  return textsOf(parseObject(stdout)?.supportedVersions);
}

function findFault({ ips, interfaces, cniVersion }: Fields): string | undefined {
  if (typeof cniVersion !== "string") return "its result has no cniVersion";
  if (ips !== undefined && ips !== null && !Array.isArray(ips)) return "its result's ips is no list";
  if (interfaces !== undefined && interfaces !== null && !Array.isArray(interfaces))
    return "its result's interfaces is no list";
  const wrong = (Array.isArray(ips) ? ips : []).find((one) => !isAddress(one));
  return wrong === undefined ? undefined : `its result has ${JSON.stringify(wrong).slice(0, 80)} for an address`;
}

function isAddress(one: unknown): boolean {
  if (!isFields(one) || typeof one.address !== "string") return false;
  const { address, prefix } = addressOf(one);
  return isIP(address) !== 0 && Number.isInteger(prefix) && prefix >= 0 && prefix <= (isIP(address) === 4 ? 32 : 128);
}

function addressOf({ address }: Fields): { address: string; prefix: number } {
  const [ip = "", prefix] = String(address).split("/");
  return { address: ip, prefix: prefix === undefined || prefix === "" ? Number.NaN : Number(prefix) };
}

/** Its first line, wherever it said it. */
function saying({ stdout, stderr }: CallResult): string {
  const line = `${stdout}\n${stderr}`.split("\n").find((one) => one.trim() !== "");
  if (line === undefined) return ", and said nothing";
  return `, but ${JSON.stringify(line.trim().slice(0, 200))}`;
}

function parseObject(text: string): Fields | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return isFields(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
