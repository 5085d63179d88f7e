// Devices of a pod in a caller's container: the caller's cgroup stands above those of the members, so that what he did not
// allow nobody there opens. What he gave (`docker run --device`) the members have without a volume.

import { PeapodError } from "../base/errors.ts";
import type { HostDevice } from "../host/facts.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { deviceOf } from "./device-rules.ts";
import type { OuterConfig } from "./outer.ts";
import { makePlace, makePointer } from "./where.ts";

/** As runtime-spec has it: what is absent, or -1, is each. */
interface DeviceRule {
  readonly allow: boolean;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly access?: string;
}

/** `manifest`: its paths are the host's already. @throws NOT_PERMITTED for a device that the caller did not allow */
export function assertDevices(
  { spec, source }: Manifest,
  { linux }: OuterConfig,
  devices: ReadonlyMap<string, HostDevice>,
): void {
  const rules = (linux?.resources?.devices ?? []) as readonly DeviceRule[];
  spec.volumes.forEach((volume, index) => {
    const wanted = deviceOf(volume);
    if (wanted === undefined) return;
    const found = devices.get(wanted.path);
    const mounts = spec.containers.flatMap(({ volumeMounts }) =>
      volumeMounts.filter(({ name }) => name === volume.name),
    );
    if (found !== undefined && mounts.length === 0) return;
    const access = mounts.some(({ readOnly }) => !readOnly) ? ["r", "w"] : ["r"];
    if (found !== undefined && access.every((one) => isAllowed(rules, found, one))) return;
    const place = makePlace(source, makePointer("spec", "volumes", index));
    throw new PeapodError(
      "NOT_PERMITTED",
      `volume ${volume.name}: its pod's container does not have that device to give (${place})`,
      { hint: "devices come from the caller: docker run --device PATH; each member has them then, without a volume" },
    );
  });
}

/** The last rule that fits counts; without any a runtime allows its few alone. */
function isAllowed(rules: readonly DeviceRule[], device: HostDevice, access: string): boolean {
  const isEach = (value: number | undefined) => value === undefined || value === -1;
  const fits = ({ type = "a", major, minor, access: accesses = "rwm" }: DeviceRule) =>
    (type === "a" || type === device.type) &&
    (isEach(major) || major === device.major) &&
    (isEach(minor) || minor === device.minor) &&
    accesses.includes(access);
  return rules.findLast(fits)?.allow ?? false;
}
