// Attachment records: what the plugins were asked, and what they answered, written before each step. Whoever finds one
// can give back all that it stands for, with no other knowledge: a supervisor that begins anew, `doctor`, a later boot.

import { mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { asPeapodError } from "../base/errors.ts";
import { readNamesIfOpen, readOwnJson, readTextIfAny, writeJsonAtomic } from "../base/files.ts";
import { ATTACHMENTS_DIR } from "../base/paths.ts";
import type { PlannedNetwork, PluginResult } from "./network.ts";

export interface AttachmentOwner {
  readonly root: string;
  readonly pod: string;
}

export interface AttachmentRecord extends AttachmentOwner {
  readonly version: 1;
  readonly network: PlannedNetwork;
  readonly phase: "adding" | "added" | "deleting";
  /** Of the last plugin that answered. */
  readonly result?: PluginResult;
  /** Why it could not be given back. */
  readonly failure?: string;
}

/** Unique for ever: no two pods have one container id, and no container two interfaces of one name. */
export function makeRecordPath(bootId: string, containerId: string, ifname: string): string {
  return join(ATTACHMENTS_DIR, `${bootId}.${containerId}.${ifname}.json`);
}

/** Names this boot: namespaces, links and rules of another one are gone. */
export function readBootId(): string {
  return (readTextIfAny("/proc/sys/kernel/random/boot_id") ?? "").slice(0, 8) || "unknown";
}

/** @throws OUT_OF_RESOURCES, NOT_PERMITTED; what was there before stays */
export function writeRecord(record: AttachmentRecord): void {
  const { name, record: path } = record.network;
  try {
    mkdirSync(ATTACHMENTS_DIR, { recursive: true, mode: 0o700 });
    writeJsonAtomic(path, record);
  } catch (error) {
    throw asPeapodError(error, `network ${name}: ${path}`);
  }
}

/** For what is good to know only: on a full disk the record of before says as well what is to be given back. */
export function writeRecordIfRoom(record: AttachmentRecord): void {
  try {
    writeRecord(record);
  } catch {
    // What it tells of must not stay for want of room.
  }
}

/** @throws STATE_DAMAGED */
export function readRecord(path: string): AttachmentRecord | undefined {
  return readOwnJson<AttachmentRecord>(path);
}

/** With what somebody who was killed while he wrote it has left beside it. */
export function removeRecord(path: string): void {
  rmSync(path, { force: true });
  const halves = readNamesIfOpen(ATTACHMENTS_DIR).filter((name) => name.endsWith(".tmp"));
  for (const name of halves.filter((one) => one.startsWith(`${basename(path)}.`)))
    rmSync(join(ATTACHMENTS_DIR, name), { force: true });
}

/** Of all boots and roots. */
export function readRecordPaths(): string[] {
  return readNamesIfOpen(ATTACHMENTS_DIR)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => join(ATTACHMENTS_DIR, name));
}

/** Made before the machine was started: whoever had it is gone. */
export function isOfOtherBoot(path: string, bootId: string): boolean {
  return !path.slice(ATTACHMENTS_DIR.length + 1).startsWith(`${bootId}.`);
}
