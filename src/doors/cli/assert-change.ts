// A change of limits, checked by the rules of the control socket before it is sent there: whoever asked is told in his own
// words, and not by a field of a request that he never saw.

import { PeapodError } from "../../base/errors.ts";
import { validate } from "../../base/validate.ts";
import type { ResourceChange } from "../../engine/engine.ts";

/** @param nameOf how the one who asked calls a field: `option --cpus:`. @throws BAD_USAGE that begins with it */
export function assertChange(change: ResourceChange, nameOf: (key: keyof ResourceChange) => string): void {
  if (Object.keys(change).length === 0) return;
  const [first] = validate("control-ask", { resources: change });
  if (first === undefined) return;
  const key = first.pointer.replace("/resources/", "") as keyof ResourceChange;
  throw new PeapodError("BAD_USAGE", `${nameOf(key)} ${first.message}`);
}
