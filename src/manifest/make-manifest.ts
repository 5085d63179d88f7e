// A document without faults as our Manifest: defaults filled in, amounts as numbers, frozen through and through.

import { resolve } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { isContainerName, isPodName } from "../base/names.ts";
import type { PodDocument, Container as WrittenContainer, Volume as WrittenVolume } from "../generated/pod.ts";
import type { Amount } from "./amounts.ts";
import { parseBytes, parseCpuMilli } from "./amounts.ts";
import { makeEnv, makeEnvFrom, makeFilesVolume, makeMount } from "./make-sources.ts";
import type { Container, Manifest, ManifestSource, Resources, Volume } from "./manifest.ts";
import { normalPath } from "./normal-path.ts";

const DEFAULT_GRACE_SECONDS = 30;
const SCHEME = "rootfs:";

/** `pod` has passed the schema and checkPod; what does not fit here is a BUG. */
export function makeManifest(pod: PodDocument, source: ManifestSource): Manifest {
  const { metadata, spec } = pod;
  const { name } = metadata;
  if (!isPodName(name)) throw new PeapodError("BUG", `pod ${name}: its name was not checked`);
  return freezeDeep({
    metadata: {
      name,
      namespace: metadata.namespace ?? "default",
      labels: { ...metadata.labels },
      annotations: { ...metadata.annotations },
    },
    spec: {
      containers: spec.containers.map((container) => makeContainer(container, source.baseDir, pod)),
      volumes: (spec.volumes ?? []).map((volume) => makeVolume(volume, pod)),
      hostname: spec.hostname ?? name,
      hostNetwork: spec.hostNetwork ?? false,
      hostPID: spec.hostPID ?? false,
      hostIPC: spec.hostIPC ?? false,
      shareProcessNamespace: spec.shareProcessNamespace ?? false,
      restartPolicy: "Never",
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS,
      ...makeFsGroup(spec.securityContext),
    },
    source,
  });
}

function makeContainer(written: WrittenContainer, baseDir: string, pod: PodDocument): Container {
  const { name, image, securityContext } = written;
  if (!isContainerName(name)) throw new PeapodError("BUG", `container ${name}: its name was not checked`);
  return {
    name,
    image: image.startsWith(SCHEME) ? `${SCHEME}${resolve(baseDir, image.slice(SCHEME.length))}` : image,
    command: unlessEmpty(written.command),
    args: unlessEmpty(written.args),
    env: makeEnv(written, pod),
    ...makeEnvFrom(written),
    workingDir: written.workingDir,
    volumeMounts: (written.volumeMounts ?? []).map(makeMount),
    resources: makeResources(written.resources),
    securityContext: {
      runAsUser: securityContext?.runAsUser,
      runAsGroup: securityContext?.runAsGroup,
      capabilities: {
        add: [...(securityContext?.capabilities?.add ?? [])],
        drop: [...(securityContext?.capabilities?.drop ?? [])],
      },
      readOnlyRootFilesystem: securityContext?.readOnlyRootFilesystem ?? false,
      privileged: securityContext?.privileged ?? false,
    },
  };
}

/** Kubernetes takes an empty list for none: the image's own words apply. */
function unlessEmpty(words: readonly string[] | undefined): readonly string[] | undefined {
  return words === undefined || words.length === 0 ? undefined : [...words];
}

function makeResources(written: WrittenContainer["resources"]): Resources {
  const cpuLimitMilli = amount(written?.limits?.cpu, parseCpuMilli);
  return {
    cpuLimitMilli,
    cpuRequestMilli: amount(written?.requests?.cpu, parseCpuMilli) ?? cpuLimitMilli,
    memoryLimitBytes: amount(written?.limits?.memory, parseBytes),
  };
}

function makeFsGroup(written: PodDocument["spec"]["securityContext"]): Pick<Manifest["spec"], "fsGroup"> {
  if (written?.fsGroup === undefined) return {};
  return { fsGroup: { gid: written.fsGroup, policy: written.fsGroupChangePolicy ?? "Always" } };
}

function makeVolume(written: WrittenVolume, pod: PodDocument): Volume {
  const { name, emptyDir, hostPath, persistentVolumeClaim: claim } = written;
  const files = makeFilesVolume(written, pod);
  if (files !== undefined) return files;
  if (claim !== undefined) return { kind: "claim", name, claim: claim.claimName, readOnly: claim.readOnly ?? false };
  if (hostPath !== undefined)
    return { kind: "hostPath", name, path: normalPath(hostPath.path), type: hostPath.type ?? "" };
  return {
    kind: "emptyDir",
    name,
    medium: emptyDir?.medium ?? "",
    sizeLimitBytes: amount(emptyDir?.sizeLimit, parseBytes),
  };
}

function amount(written: string | number | undefined, parse: (written: string | number) => Amount): number | undefined {
  if (written === undefined) return undefined;
  const parsed = parse(written);
  if ("fault" in parsed) throw new PeapodError("BUG", `amount ${written}: was not checked`);
  return parsed.value;
}

function freezeDeep<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) freezeDeep(inner);
  return Object.freeze(value);
}
