// The signal that an image asks to be ended by (STOPSIGNAL), where the manifest says none.

import { PeapodError } from "../base/errors.ts";
import type { Image } from "../image/image.ts";
import { parseStopSignal } from "../image/stop-signal.ts";
import type { Container, Manifest } from "../manifest/manifest.ts";
import { makeStopSignal } from "./attendance.ts";
import { makeContainerPointer, makePlace } from "./where.ts";

/** Undefined where it is the usual one. @throws NOT_SUPPORTED for what is no signal */
export function makeImageStopSignal(
  manifest: Manifest,
  index: number,
  { name, stopSignal }: Container,
  { config }: Image,
): { stopSignal: string } | undefined {
  const written = config.stopSignal ?? "";
  if (stopSignal !== undefined || written === "") return undefined;
  const signal = parseStopSignal(written);
  if (signal !== undefined) return signal === "SIGTERM" ? undefined : { stopSignal: makeStopSignal(signal) };
  const place = makePlace(manifest.source, makeContainerPointer(manifest, index, "image"));
  const said = JSON.stringify(written.slice(0, 40));
  throw new PeapodError("NOT_SUPPORTED", `container ${name}: its image's stop signal ${said} is none (${place})`, {
    hint: "set lifecycle.stopSignal",
  });
}
