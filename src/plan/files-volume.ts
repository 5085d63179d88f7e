// The files of a configMap, secret, downwardAPI or projected volume: paths, modes and contents, as data.

import { posix } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { objectKey } from "../manifest/config-objects.ts";
import type { FilesVolume } from "../manifest/manifest.ts";
import type { FilesSource } from "../manifest/sources.ts";
import type { PlannedFile } from "./plan.ts";
import { type FieldContext, makeFieldValue, makeResourceValue } from "./values.ts";

/** What Kubernetes gives to the group of a volume that nobody can write to: fsGroup may read. */
const GROUP_READS = 0o440;

/** @throws BAD_MANIFEST where a path would be a file and a directory */
export function makeFiles(volume: FilesVolume, context: FieldContext, place: string): PlannedFile[] {
  const files = new Map<string, PlannedFile>();
  const group = context.manifest.spec.fsGroup === undefined ? 0 : GROUP_READS;
  for (const source of volume.sources) {
    for (const { path: written, mode, ...content } of makeSourceFiles(source, context)) {
      const path = posix.normalize(written);
      files.set(path, { path, mode: (mode ?? volume.defaultMode) | group, ...content });
    }
  }
  for (const path of files.keys()) {
    for (let above = posix.dirname(path); above !== "."; above = posix.dirname(above)) {
      if (!files.has(above)) continue;
      const text = `volume ${volume.name}: ${above} would be a file and a directory (${place})`;
      throw new PeapodError("BAD_MANIFEST", text);
    }
  }
  return [...files.values()];
}

/** True where a Secret is among the sources: then all of it lies in memory. */
export function tellsSecrets(volume: FilesVolume): boolean {
  return volume.sources.some((source) => source.from === "object" && source.kind === "Secret");
}

type SourceFile = Omit<PlannedFile, "mode"> & { readonly mode: number | undefined };

function makeSourceFiles(source: FilesSource, context: FieldContext): SourceFile[] {
  if (source.from === "pod") {
    return source.items.map(({ path, mode, source: one }) => {
      const text = one.from === "field" ? makeFieldValue(one.path, context) : makeResourceValue(one, context.facts);
      return { path, mode, content: { text } };
    });
  }
  const object = context.values.objects.get(objectKey(source.kind, source.object));
  if (object === undefined) return [];
  const items = source.items ?? [...object.data.keys()].map((key) => ({ key, path: key, mode: undefined }));
  return items.flatMap(({ key, path, mode }): SourceFile[] => {
    const content = object.data.get(key);
    return content === undefined ? [] : [{ path, mode, content }];
  });
}
