// Directories of the store come and go with what is in them: whoever makes something makes its directory too, and again
// where another, who saw it empty, has just taken it away.

import { errnoOf } from "../../base/errors.ts";
import { makeDir } from "../../base/files.ts";

export function inDir<T>(dir: string, run: () => T): T {
  for (let attempt = 1; ; attempt += 1) {
    makeDir(dir);
    try {
      return run();
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" || attempt === 100) throw error;
    }
  }
}
