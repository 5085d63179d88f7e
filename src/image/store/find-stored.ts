// The image behind a manifest's words, where the store has it and it need not be looked for elsewhere. A pod whose images
// are all here pays one small read for each and starts no program.

import { existsSync } from "node:fs";
import { readOwnJson } from "../../base/files.ts";
import { isFileTransport, splitImage } from "../../base/image-transports.ts";
import { makeImageName, makePolicy, type PullPolicy } from "./image-name.ts";
import { readLocalOrigin } from "./local-origin.ts";
import { nameFile, rootfsOf } from "./store-paths.ts";
import type { StoredName } from "./stored-image.ts";

/** Undefined where it must be pulled, or looked for. */
export function findStored(store: string, image: string, written: PullPolicy | undefined): StoredName | undefined {
  const { transport, rest } = splitImage(image);
  const policy = makePolicy(image, written);
  if (policy === "Always" && !isFileTransport(transport)) return undefined;
  const found = readStoredName(store, makeImageName(image));
  if (found === undefined || policy !== "Always" || !isFileTransport(transport)) return found;
  return readLocalOrigin(transport, rest) === found.origin ? found : undefined;
}

/** Undefined also where its files are gone. */
export function readStoredName(store: string, name: string): StoredName | undefined {
  const found = readOwnJson<StoredName>(nameFile(store, name));
  if (found?.name !== name || found.version !== 1) return undefined;
  return existsSync(rootfsOf(store, found.digest)) ? found : undefined;
}
