// The part of a plan that is never written to disk. A plan is made twice, with what Secrets hold and with markers in its
// place; where the two differ, the pod's vault (a tmpfs) has the true one.

import type { Content } from "../manifest/config-objects.ts";
import type { Plan, PlannedContainer } from "./plan.ts";

export interface SecretParts {
  /** By container. */
  readonly processes: Readonly<Record<string, { readonly args: readonly string[]; readonly env: readonly string[] }>>;
  /** By volume, then by path in it. */
  readonly files: Readonly<Record<string, Readonly<Record<string, Content>>>>;
}

export const NO_SECRETS: SecretParts = { processes: {}, files: {} };

export function needsVault(plan: Plan): boolean {
  return (
    plan.containers.some((one) => one.process.isSecret) ||
    plan.sandbox.volumes.some((volume) => volume.kind === "files" && volume.isSecret)
  );
}

/** What `whole` says and its redacted twin does not. */
export function collectSecrets(whole: Plan): SecretParts {
  const told = whole.containers.filter(({ process }) => process.isSecret);
  return {
    processes: Object.fromEntries(told.map(({ name, process: { args, env } }) => [name, { args, env }])),
    files: Object.fromEntries(
      whole.sandbox.volumes.flatMap((volume) =>
        volume.kind === "files" && volume.isSecret
          ? [[volume.name, Object.fromEntries(volume.files.map(({ path, content }) => [path, content]))]]
          : [],
      ),
    ),
  };
}

/** The container as it really is. */
export function restoreProcess(container: PlannedContainer, { processes }: SecretParts): PlannedContainer {
  const own = processes[container.name];
  return own === undefined ? container : { ...container, process: { ...container.process, ...own } };
}
