// One spelling for a path inside a container: no doubled, no trailing slash, no `.`.

import { posix } from "node:path";

/** `/data//x/./` → `/data/x`. */
export function normalPath(path: string): string {
  const normal = posix.normalize(path);
  // POSIX lets a leading // mean something else; Linux does not.
  const single = normal.replace(/^\/+/, "/");
  return single.length > 1 && single.endsWith("/") ? single.slice(0, -1) : single;
}
