// What a pull would bring, for who touches nothing: the image's configuration, read where it is.

import { tmpdir } from "node:os";
import { asPeapodError, PeapodError } from "../../base/errors.ts";
import { readStoredName } from "../store/find-stored.ts";
import { isShortName, makeImageName, makePolicy } from "../store/image-name.ts";
import type { StoredName } from "../store/stored-image.ts";
import { fitsPlatform, makePlatform, parseConfig } from "./parse-image.ts";
import { notForUs } from "./platform-error.ts";
import type { PullOptions, PullWish } from "./pull-image.ts";
import { readShortNames } from "./read-short-names.ts";
import { resolveShortName } from "./short-names.ts";
import { readRawConfig, readStallMs, SkopeoError } from "./skopeo.ts";

/** Its files lie nowhere yet; where they will, nobody knows before. */
const NOWHERE = `sha256:${"0".repeat(64)}` as const;

export interface LookedAt {
  readonly name: StoredName;
  /** Its files are here, too. */
  readonly isHere: boolean;
}

/** @throws as pullImage does */
export async function lookAtImage({ image, policy }: PullWish, options: PullOptions): Promise<LookedAt> {
  const name = makeImageName(image);
  try {
    const candidates = isShortName(name) ? resolveShortName(name, readShortNames()) : [name];
    const here = candidates.flatMap((one) => readStoredName(options.store, one) ?? [])[0];
    // Whether it has changed is a pull's question.
    if (here !== undefined) return { name: { ...here, name }, isHere: true };
    if (makePolicy(image, policy) === "Never")
      throw new PeapodError("NOT_FOUND", "is not here, and imagePullPolicy Never forbids to pull it");
    const reference = candidates[0] ?? name;
    options.tell?.({ image: reference, doing: "would pull", doneBytes: 0, totalBytes: 0 });
    const raw = await readRawConfig(
      { tmpDir: tmpdir(), cancel: options.cancel, stallMs: readStallMs() },
      reference,
    ).catch(asClause);
    const { platform, config } = parseConfig(raw);
    if (!fitsPlatform(platform, makePlatform(process.arch))) throw notForUs([platform]);
    assertUser(config.user ?? "");
    return {
      name: { version: 1, name, reference, origin: "", id: reference, digest: NOWHERE, pulledAt: "", config },
      isHere: false,
    };
  } catch (error) {
    const { code, message, hint } = asPeapodError(error, "cannot be read");
    if (code === "CANCELED" || code === "HOST_LACKS") throw error;
    throw new PeapodError(code, `image ${name} ${message}`, { cause: error, ...(hint === undefined ? {} : { hint }) });
  }
}

function asClause(error: unknown): never {
  if (!(error instanceof SkopeoError)) throw error;
  const { code, message, hint } = error;
  throw new PeapodError(code, `cannot be pulled: ${message}`, hint === undefined ? {} : { hint });
}

/** Which number a name means, the image's own /etc/passwd says. */
function assertUser(user: string): void {
  if (user === "" || user === "root" || /^\d+(:\d+)?$/.test(user)) return;
  throw new PeapodError("NOT_FOUND", `runs as ${JSON.stringify(user)}, and who that is is known once it is pulled`, {
    hint: "peapod image pull brings it",
  });
}
