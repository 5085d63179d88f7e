// The volumes of a pod that take more than a directory, with what its Secrets hold.

import { PeapodError } from "../../base/errors.ts";
import { isSpecial, makeSpecialVolumes, prepareFiles, type ReadFile } from "../../host/made-volumes.ts";
import type { Content } from "../../manifest/config-objects.ts";
import type { Plan } from "../../plan/plan.ts";
import type { SecretParts } from "../../plan/secrets.ts";
import { readVault } from "./vault.ts";

/** @throws HOST_LACKS, OUT_OF_RESOURCES, NOT_PERMITTED, STATE_DAMAGED where the pod's vault is gone */
export async function makePodVolumes(plan: Plan): Promise<void> {
  const volumes = plan.sandbox.volumes.filter(isSpecial);
  if (volumes.length === 0) return;
  let parts: SecretParts | undefined;
  const read = makeReader(() => {
    parts ??= readVault(plan);
    return parts;
  });
  await makeSpecialVolumes(volumes, read, plan.pod);
}

/** For a change of the pod: room for the new files, beside those that are there. @throws OUT_OF_RESOURCES */
export function preparePodVolumes({ sandbox }: Plan, parts: SecretParts): void {
  prepareFiles(
    sandbox.volumes,
    makeReader(() => parts),
  );
}

function makeReader(partsOf: () => SecretParts): ReadFile {
  return (volume, { path, content }) => {
    if (!("secret" in content)) return makeBytes(content);
    const found = partsOf().files[volume.name]?.[path];
    if (found === undefined || "secret" in found)
      throw new PeapodError("STATE_DAMAGED", `volume ${volume.name}: what belongs into ${path} is gone`);
    return makeBytes(found);
  };
}

export function makeBytes(content: Exclude<Content, { secret: string }>): Uint8Array | string {
  return "text" in content ? content.text : Buffer.from(content.base64, "base64");
}
