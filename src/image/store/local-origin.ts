// What lies behind `oci:` and its like at this moment, told so that a change of it shows: for a layout the digest that its
// index names, for an archive what stat(2) says. Starts no program.

import { statSync } from "node:fs";
import { join } from "node:path";
import { readTextIfAny } from "../../base/files.ts";
import { type FileTransport, splitPath } from "../../base/image-transports.ts";

const REF_NAME = "org.opencontainers.image.ref.name";

/** Undefined where that cannot be told: whoever pulls it will say why. */
export function readLocalOrigin(transport: FileTransport, rest: string): string | undefined {
  const { path, tag } = splitPath(rest);
  try {
    if (transport === "oci") return findInIndex(readTextIfAny(join(path, "index.json")), tag);
    const found = statSync(transport === "dir" ? join(path, "manifest.json") : path, { bigint: true });
    return `file ${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
  } catch {
    return undefined;
  }
}

/** The digest under this tag, or the only one; see image-layout.md of the OCI image specification. */
export function findInIndex(text: string | undefined, tag: string | undefined): string | undefined {
  const { manifests = [] } = JSON.parse(text ?? "{}") as {
    manifests?: readonly { readonly digest?: string; readonly annotations?: Readonly<Record<string, string>> }[];
  };
  const fits = tag === undefined ? manifests : manifests.filter(({ annotations }) => annotations?.[REF_NAME] === tag);
  return fits.length === 1 ? fits[0]?.digest : undefined;
}
