// doctor's part for networks: attachment records of pods that are gone, and the garbage collection of CNI 1.1, in which
// plugins forget whatever no living attachment needs.

import { asPeapodError } from "../../base/errors.ts";
import { readOwnJson } from "../../base/files.ts";
import type { PodName } from "../../base/names.ts";
import { makePodPaths } from "../../base/paths.ts";
import { collectGarbage } from "../../network/collect-garbage.ts";
import { type AttachmentRecord, readRecord, readRecordPaths } from "../../network/records.ts";
import type { Plan } from "../../plan/plan.ts";
import type { DoctorObject } from "../engine.ts";
import { leaveNetwork } from "../networks/pod-networks.ts";

/** Of this root. One belongs to a living pod only if that pod's plan names it: a later pod may bear its name. */
export function readAttachments(root: string, alive: ReadonlySet<PodName>): DoctorObject[] {
  return readRecordPaths().flatMap((path): DoctorObject[] => {
    const record = readAny(path);
    if (record?.root !== root) return [];
    const { pod, network, phase, failure } = record;
    const isNamed = alive.has(pod as PodName) && readPlannedRecords(root, pod as PodName).includes(path);
    const what = `network ${network.name}, ${network.interface}, ${phase}`;
    return [
      {
        kind: "attachment",
        name: path,
        owner: pod,
        detail: failure === undefined ? what : `${what}: ${failure}`,
        orphan: !isNamed,
      },
    ];
  });
}

/** Gives back what these records tell of, then has plugins forget the rest; a sentence for each that failed. */
export async function clearAttachments(records: readonly string[]): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const path of records) {
    try {
      await leaveNetwork(path);
    } catch (error) {
      problems.push(asPeapodError(error, path).message);
    }
  }
  return [...problems, ...(await collectGarbage())];
}

function readPlannedRecords(root: string, pod: PodName): readonly string[] {
  try {
    const plan = readOwnJson<Plan>(makePodPaths(root, pod).plan);
    return plan?.sandbox.networks?.map(({ record }) => record) ?? [];
  } catch {
    return [];
  }
}

/** One that cannot be read tells nothing. */
function readAny(path: string): AttachmentRecord | undefined {
  try {
    return readRecord(path);
  } catch {
    return undefined;
  }
}
