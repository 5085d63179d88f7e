// Text of a file in /etc/cni/net.d to a checked configuration list, or all that is wrong with it at once. What a plugin
// makes of its own part is for the plugin to say.

import { PeapodError } from "../base/errors.ts";
import { type Place, parsePlacedJson } from "./json-places.ts";
import { CNI_VERSIONS, type CniVersion, type NetworkList, type PluginConfig } from "./network.ts";

/** CNI specification 1.1.0, "name". */
const NAME = /^[a-zA-Z0-9][\w.-]*$/;

type Fields = Readonly<Record<string, unknown>>;
type Report = (path: string, message: string) => void;

/** As a manifest's faults are told. */
interface Fault extends Place {
  readonly file: string;
  readonly path: string;
  readonly message: string;
}

/** A list (`.conflist`), or one plugin alone (`.conf`), which is a list of one. @throws BAD_MANIFEST with every fault */
export function parseNetworkList(text: string, file: string): NetworkList {
  const parsed = parsePlacedJson(text);
  if ("fault" in parsed) throw badList([{ file, ...parsed.place, path: "", message: parsed.fault }]);
  const faults: Fault[] = [];
  const list = checkList(parsed.value, (path, message) =>
    faults.push({ file, ...parsed.placeOf(path), path, message }),
  );
  if (list === undefined || faults.length > 0) throw badList(faults);
  return { ...list, file };
}

/** The name that a text bears, whatever else is wrong with it. */
export function parseNetworkName(text: string): string | undefined {
  const parsed = parsePlacedJson(text);
  if ("fault" in parsed || !isFields(parsed.value)) return undefined;
  return typeof parsed.value.name === "string" ? parsed.value.name : undefined;
}

function badList(faults: readonly Fault[]): PeapodError {
  const [first] = faults;
  if (first === undefined) throw new PeapodError("BUG", "network configuration: refused without a fault");
  const { file, line, column, path, message } = first;
  const more = faults.length - 1;
  const rest = more === 0 ? "" : more === 1 ? " (and 1 more fault)" : ` (and ${more} more faults)`;
  const where = `${file}:${line}:${column}${path === "" ? "" : ` ${path}`}`;
  return new PeapodError("BAD_MANIFEST", `network configuration ${where}: ${message}${rest}`, { detail: faults });
}

function checkList(found: unknown, report: Report): NetworkList | undefined {
  if (found === undefined) return undefined;
  if (!isFields(found)) {
    report("", "is not a JSON object");
    return undefined;
  }
  const name = checkName(found.name, report);
  const cniVersion = checkVersion(found, report);
  const isList = found.plugins !== undefined || found.type === undefined;
  const plugins = isList
    ? checkPlugins(found.plugins, report)
    : [checkPlugin(found, "", report)].filter((one) => one !== undefined);
  const disableCheck = checkFlag(found, "disableCheck", report);
  const disableGC = checkFlag(found, "disableGC", report);
  if (name === undefined || cniVersion === undefined || plugins === undefined) return undefined;
  return {
    name,
    cniVersion,
    ...(disableCheck ? { disableCheck } : {}),
    ...(disableGC ? { disableGC } : {}),
    plugins,
  };
}

function checkName(name: unknown, report: Report): string | undefined {
  if (typeof name === "string" && NAME.test(name)) return name;
  report("name", name === undefined ? "is missing" : `${tell(name)} is not a name: letters, digits, _ . and -`);
  return undefined;
}

/** Of several, the highest that we speak (CNI 1.1.0, "cniVersions"). */
function checkVersion({ cniVersion, cniVersions }: Fields, report: Report): CniVersion | undefined {
  const several = Array.isArray(cniVersions) ? cniVersions : [];
  if (cniVersions !== undefined && !several.every((one) => typeof one === "string"))
    report("cniVersions", "is not a list of versions");
  const known = CNI_VERSIONS.filter((one) => one === cniVersion || several.includes(one));
  const highest = known.at(-1);
  if (highest !== undefined) return highest;
  const spoken = `peapod speaks ${CNI_VERSIONS[0]} to ${CNI_VERSIONS.at(-1)}`;
  report("cniVersion", cniVersion === undefined ? `is missing; ${spoken}` : `${tell(cniVersion)}: ${spoken}`);
  return undefined;
}

function checkFlag(found: Fields, name: string, report: Report): true | undefined {
  const value = found[name];
  if (value === true || value === "true") return true;
  if (value !== undefined && value !== false && value !== "false") report(name, `${tell(value)} is not true or false`);
  return undefined;
}

function checkPlugins(found: unknown, report: Report): PluginConfig[] | undefined {
  if (!Array.isArray(found) || found.length === 0) {
    report("plugins", found === undefined ? "is missing" : "is not a list with at least one plugin");
    return undefined;
  }
  const plugins = found.map((one, index) => checkPlugin(one, `plugins[${index}]`, report));
  return plugins.every((one) => one !== undefined) ? plugins : undefined;
}

function checkPlugin(found: unknown, path: string, report: Report): PluginConfig | undefined {
  const at = (field: string) => (path === "" ? field : `${path}.${field}`);
  if (!isFields(found)) {
    report(path, "is not an object");
    return undefined;
  }
  const isRight = checkType(found.type, at("type"), report);
  if (found.ipam !== undefined) checkIpam(found.ipam, at("ipam"), report);
  const { capabilities } = found;
  if (capabilities !== undefined) {
    const values = isFields(capabilities) ? Object.values(capabilities) : [undefined];
    if (!values.every((one) => typeof one === "boolean"))
      report(at("capabilities"), "is not an object of names with true or false");
  }
  return isRight ? (found as PluginConfig) : undefined;
}

/** Some plugins take an empty one for none. */
function checkIpam(ipam: unknown, path: string, report: Report): void {
  if (!isFields(ipam)) report(path, "is not an object");
  else if (Object.keys(ipam).length > 0 && ipam.type !== "") checkType(ipam.type, `${path}.type`, report);
}

/** It names a program in the plugins' directories, and none elsewhere. */
function checkType(type: unknown, path: string, report: Report): boolean {
  if (typeof type === "string" && /^[^/\0\s]+$/.test(type) && type !== "." && type !== "..") return true;
  report(path, type === undefined ? "is missing" : `${tell(type)} is not a plugin's name`);
  return false;
}

function tell(value: unknown): string {
  return JSON.stringify(value).slice(0, 60);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
