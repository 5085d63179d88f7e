// `peapod bundle`: bundles that the runtime runs without us, with two scripts that show all it takes. All or nothing.

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoOf, PeapodError } from "../base/errors.ts";
import { writeFileTree } from "../base/file-tree.ts";
import { writeFileAtomic } from "../base/files.ts";
import type { Plan } from "../plan/plan.ts";
import { rebasePlan } from "./rebase-plan.ts";
import { makeDownScript, makeUpScript } from "./up-script.ts";
import { keptFiles } from "./up-volumes.ts";
import { writeBundles } from "./write-bundles.ts";

/**
 * Fills `dir` (absolute; made, or empty) with `bundles/NAME/config.json`, `files/`, `up.sh` and `down.sh`, for use at
 * that very place. Returns the plan with its paths there.
 * @throws ALREADY_EXISTS where there is something in it
 */
export function writeStandaloneBundles(plan: Plan, dir: string): Plan {
  assertFree(dir);
  mkdirSync(dirname(dir), { recursive: true });
  const side = mkdtempSync(join(dirname(dir), `.${basename(dir)}.`));
  try {
    const there = rebasePlan(plan, dir);
    // The texts name `dir`, the files are written beside it and moved there at once.
    writeBundles(there, (path) => (path === dir ? side : join(side, path.slice(dir.length + 1))));
    mkdirSync(join(side, "files"), { recursive: true, mode: 0o755 });
    for (const file of there.sandbox.files)
      writeFileAtomic(join(side, file.path.slice(dir.length + 1)), file.text, 0o644);
    writeVolumeFiles(there, dir, side);
    writeFileAtomic(join(side, "up.sh"), makeUpScript(there, dir), 0o700);
    writeFileAtomic(join(side, "down.sh"), makeDownScript(there, dir), 0o700);
    chmodSync(side, there.sandbox.passable.length > 0 ? 0o711 : 0o700);
    removeEmpty(dir);
    renameSync(side, dir);
    return there;
  } catch (error) {
    rmSync(side, { recursive: true, force: true });
    throw error;
  }
}

function assertFree(dir: string): void {
  try {
    if (readdirSync(dir).length === 0) return;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    if (errnoOf(error) !== "ENOTDIR") throw error;
  }
  throw new PeapodError("ALREADY_EXISTS", `${dir}: is there already and not an empty directory`, {
    hint: "name a new one, or bring down what runs from it and remove it",
  });
}

function removeEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}

/** ConfigMaps and the like: up.sh copies them to where they are mounted from. */
function writeVolumeFiles(plan: Plan, dir: string, side: string): void {
  for (const volume of plan.sandbox.volumes) {
    if (volume.kind !== "files") continue;
    const files = volume.files.flatMap(({ path, mode, content }) => {
      if ("secret" in content) return [];
      return [{ path, mode, bytes: "text" in content ? content.text : Buffer.from(content.base64, "base64") }];
    });
    const kept = join(side, keptFiles(dir, volume.name).slice(dir.length + 1));
    mkdirSync(dirname(kept), { recursive: true, mode: 0o755 });
    writeFileTree(kept, files, volume.owner);
  }
}
