// env, envFrom, volumes and their mounts of a checked document as the manifest has them.

import type {
  DownwardFile,
  EnvFromSource,
  EnvVarSource,
  FieldRef,
  KeyToPath,
  PodDocument,
  Projection,
  ResourceFieldRef,
  Volume as WrittenVolume,
} from "../generated/pod.ts";
import type { EnvVar, FilesVolume, VolumeMount } from "./manifest.ts";
import { normalPath } from "./normal-path.ts";
import { parseQuantity } from "./quantity.ts";
import type { EnvFrom, EnvSource, FieldSource, FilesSource, PodFile, ResourceSource } from "./sources.ts";

type WrittenContainer = PodDocument["spec"]["containers"][number];

const DEFAULT_MODE = 0o644;

export function makeEnv(written: WrittenContainer, pod: PodDocument): EnvVar[] {
  return (written.env ?? []).map(({ name, value, valueFrom }) =>
    valueFrom === undefined
      ? { name, value: value ?? "" }
      : { name, value: "", from: makeEnvSource(valueFrom, written.name, pod) },
  );
}

/** Absent where the document says nothing. */
export function makeEnvFrom(written: WrittenContainer): { envFrom?: readonly EnvFrom[] } {
  if (written.envFrom === undefined || written.envFrom.length === 0) return {};
  return {
    envFrom: written.envFrom.map(({ prefix = "", configMapRef, secretRef }: EnvFromSource): EnvFrom => {
      const kind = secretRef === undefined ? "ConfigMap" : "Secret";
      const found = secretRef ?? configMapRef;
      return { kind, object: found?.name ?? "", prefix, optional: found?.optional ?? false };
    }),
  };
}

function makeEnvSource(from: EnvVarSource, container: string, pod: PodDocument): EnvSource {
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = from;
  if (resourceFieldRef !== undefined) return makeResource(resourceFieldRef, container, pod);
  if (fieldRef !== undefined) return makeField(fieldRef);
  const { name = "", key = "", optional = false } = secretKeyRef ?? configMapKeyRef ?? {};
  return { from: "key", kind: secretKeyRef === undefined ? "ConfigMap" : "Secret", object: name, key, optional };
}

function makeField({ fieldPath }: FieldRef): FieldSource {
  return { from: "field", path: fieldPath };
}

/** A request that is not set is the limit, as in Kubernetes. */
function makeResource(ref: ResourceFieldRef, own: string | undefined, pod: PodDocument): ResourceSource {
  const [side = "", ...rest] = ref.resource.split(".");
  const what = rest.join(".");
  const { spec } = pod as unknown as { spec: Record<string, readonly WrittenContainer[] | undefined> };
  const container = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].find(
    (one) => one.name === (ref.containerName ?? own),
  );
  const resources = (container?.resources ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const written = resources[side]?.[what] ?? (side === "requests" ? resources.limits?.[what] : undefined);
  const divisor = String(ref.divisor ?? "1");
  return {
    from: "resource",
    resource: ref.resource,
    written: written === undefined ? undefined : String(written),
    divisor: parseQuantity(divisor)?.digits === 0n ? "1" : divisor,
  };
}

export function makeMount(written: NonNullable<WrittenContainer["volumeMounts"]>[number]): VolumeMount {
  const { name, mountPath, readOnly, subPath, subPathExpr, mountPropagation, recursiveReadOnly } = written;
  return {
    name,
    mountPath: normalPath(mountPath),
    readOnly: readOnly ?? false,
    ...(subPath ? { subPath } : {}),
    ...(subPathExpr ? { subPathExpr } : {}),
    ...(mountPropagation === undefined || mountPropagation === "None" ? {} : { mountPropagation }),
    ...(recursiveReadOnly === undefined || recursiveReadOnly === "Disabled" ? {} : { recursiveReadOnly }),
  };
}

/** Undefined where the volume is of another kind. */
export function makeFilesVolume(written: WrittenVolume, pod: PodDocument): FilesVolume | undefined {
  const { name, configMap, secret, downwardAPI, projected } = written;
  const volume = (defaultMode: number | undefined, sources: readonly FilesSource[]): FilesVolume => ({
    kind: "files",
    name,
    defaultMode: defaultMode ?? DEFAULT_MODE,
    sources,
  });
  if (configMap) return volume(configMap.defaultMode, [makeObjectFiles("ConfigMap", configMap.name, configMap)]);
  if (secret) return volume(secret.defaultMode, [makeObjectFiles("Secret", secret.secretName, secret)]);
  if (downwardAPI) return volume(downwardAPI.defaultMode, [makePodFiles(downwardAPI.items, pod)]);
  if (!projected) return undefined;
  const sources = (projected.sources ?? []).map((source: Projection): FilesSource => {
    if (source.configMap) return makeObjectFiles("ConfigMap", source.configMap.name, source.configMap);
    if (source.secret) return makeObjectFiles("Secret", source.secret.name, source.secret);
    return makePodFiles(source.downwardAPI?.items, pod);
  });
  return volume(projected.defaultMode, sources);
}

function makeObjectFiles(
  kind: "ConfigMap" | "Secret",
  object: string,
  { items, optional = false }: { readonly items?: readonly KeyToPath[]; readonly optional?: boolean },
): FilesSource {
  // Kubernetes takes an empty list for none.
  const named = items?.map(({ key, path, mode }) => ({ key, path, mode }));
  return { from: "object", kind, object, optional, items: named?.length === 0 ? undefined : named };
}

function makePodFiles(items: readonly DownwardFile[] | undefined, pod: PodDocument): FilesSource {
  return {
    from: "pod",
    items: (items ?? []).map(({ path, mode, fieldRef, resourceFieldRef }): PodFile => {
      const source = resourceFieldRef ? makeResource(resourceFieldRef, undefined, pod) : fieldRef;
      return { path, mode, source: source && "from" in source ? source : makeField(fieldRef as FieldRef) };
    }),
  };
}
