// registries.conf and what lies beside it, where podman and skopeo read it.

import { join } from "node:path";
import { parse } from "smol-toml";
import { PeapodError } from "../../base/errors.ts";
import { readNames, readTextIfAny } from "../../base/files.ts";
import { makeShortNames, type ShortNames } from "./short-names.ts";

const SYSTEM = "/etc/containers";
/** What somebody chose when podman asked. */
const CHOSEN = "/var/cache/containers/short-name-aliases.conf";

/** @throws BAD_USAGE for a file that is no TOML */
export function readShortNames(): ShortNames {
  const { HOME, CONTAINERS_REGISTRIES_CONF } = process.env;
  const own = HOME ? join(HOME, ".config/containers") : undefined;
  const ownConf = own === undefined ? undefined : join(own, "registries.conf");
  const main = CONTAINERS_REGISTRIES_CONF ? [CONTAINERS_REGISTRIES_CONF] : [ownConf, join(SYSTEM, "registries.conf")];
  const first = main.flatMap((file) => (file === undefined ? [] : readTable(file)))[0];
  const dropIns = [SYSTEM, ...(own === undefined ? [] : [own])].flatMap((dir) => {
    const folder = join(dir, "registries.conf.d");
    return readNames(folder)
      .filter((name) => name.endsWith(".conf"))
      .sort()
      .map((name) => join(folder, name));
  });
  return makeShortNames([...(first === undefined ? [] : [first]), ...[...dropIns, CHOSEN].flatMap(readTable)]);
}

function readTable(file: string): Record<string, unknown>[] {
  const text = readTextIfAny(file);
  if (text === undefined) return [];
  try {
    return [parse(text)];
  } catch (cause) {
    const [why = ""] = (cause as Error).message.split("\n");
    throw new PeapodError("BAD_USAGE", `${file}: ${why}`, { cause });
  }
}
