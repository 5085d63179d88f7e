// A document without faults as our Manifest: defaults filled in, amounts as numbers, frozen through and through.

import { PeapodError } from "../base/errors.ts";
import { placeImage } from "../base/image-transports.ts";
import { isContainerName, isPodName } from "../base/names.ts";
import type { PodDocument, Container as WrittenContainer, Volume as WrittenVolume } from "../generated/pod.ts";
import type { Amount } from "./amounts.ts";
import { parseBytes } from "./amounts.ts";
import { makeNames } from "./make-names.ts";
import { makeAttendance } from "./make-probes.ts";
import { makePodResources, makeResources } from "./make-resources.ts";
import { makeEnv, makeEnvFrom, makeFilesVolume, makeMount } from "./make-sources.ts";
import type { Container, Manifest, ManifestSource, Volume } from "./manifest.ts";
import { normalPath } from "./normal-path.ts";
import { makePodSecurity, makeSecurityContext } from "./security.ts";

const DEFAULT_GRACE_SECONDS = 30;

type WrittenSpec = PodDocument["spec"];

/** `pod` has passed the schema and checkPod; what does not fit here is a BUG. */
export function makeManifest(pod: PodDocument, source: ManifestSource): Manifest {
  const { metadata, spec } = pod;
  const { name } = metadata;
  if (!isPodName(name)) throw new PeapodError("BUG", `pod ${name}: its name was not checked`);
  const containers = (["initContainers", "containers"] as const).flatMap((kind) =>
    (spec[kind] ?? []).map((container, index) =>
      makeContainer(container, `/spec/${kind}/${index}`, pod, source.baseDir),
    ),
  );
  const resources = makePodResources(spec.resources, containers);
  return freezeDeep({
    metadata: {
      name,
      namespace: metadata.namespace ?? "default",
      labels: { ...metadata.labels },
      annotations: { ...metadata.annotations },
    },
    spec: {
      containers,
      ...(resources === undefined ? {} : { resources }),
      volumes: (spec.volumes ?? []).map((volume) => makeVolume(volume, pod, source.baseDir)),
      ...makeNames(spec, name),
      hostNetwork: spec.hostNetwork ?? false,
      hostPID: spec.hostPID ?? false,
      hostIPC: spec.hostIPC ?? false,
      shareProcessNamespace: spec.shareProcessNamespace ?? false,
      hostUsers: spec.hostUsers ?? true,
      securityContext: makePodSecurity(spec.securityContext),
      restartPolicy: spec.restartPolicy ?? "Always",
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS,
      activeDeadlineSeconds: spec.activeDeadlineSeconds,
      ...makeFsGroup(spec.securityContext),
    },
    source,
  });
}

function makeContainer(written: WrittenContainer, pointer: string, pod: PodDocument, baseDir: string): Container {
  const { spec } = pod;
  const { name, image, securityContext } = written;
  if (!isContainerName(name)) throw new PeapodError("BUG", `container ${name}: its name was not checked`);
  const isInit = pointer.startsWith("/spec/initContainers/");
  return {
    name,
    role: isInit ? (written.restartPolicy === "Always" ? "sidecar" : "init") : "main",
    pointer,
    restartPolicy: written.restartPolicy ?? spec.restartPolicy ?? "Always",
    restartRules: (written.restartPolicyRules ?? []).map(({ exitCodes }) => ({
      operator: exitCodes.operator,
      values: [...exitCodes.values],
    })),
    image: placeImage(image, baseDir),
    ...(written.imagePullPolicy === undefined ? {} : { pullPolicy: written.imagePullPolicy }),
    command: unlessEmpty(written.command),
    args: unlessEmpty(written.args),
    env: makeEnv(written, pod),
    ...makeEnvFrom(written),
    workingDir: written.workingDir,
    volumeMounts: (written.volumeMounts ?? []).map(makeMount),
    resources: makeResources(written.resources),
    securityContext: makeSecurityContext(securityContext, spec.securityContext),
    ...makeAttendance(written),
    stdin: written.stdin ?? false,
    stdinOnce: written.stdinOnce ?? false,
    tty: written.tty ?? false,
  };
}

/** Kubernetes takes an empty list for none: the image's own words apply. */
function unlessEmpty(words: readonly string[] | undefined): readonly string[] | undefined {
  return words === undefined || words.length === 0 ? undefined : [...words];
}

function makeFsGroup(written: WrittenSpec["securityContext"]): Pick<Manifest["spec"], "fsGroup"> {
  if (written?.fsGroup === undefined) return {};
  return { fsGroup: { gid: written.fsGroup, policy: written.fsGroupChangePolicy ?? "Always" } };
}

function makeVolume(written: WrittenVolume, pod: PodDocument, baseDir: string): Volume {
  const { name, emptyDir, hostPath, persistentVolumeClaim: claim, image } = written;
  const files = makeFilesVolume(written, pod);
  if (files !== undefined) return files;
  if (claim !== undefined) return { kind: "claim", name, claim: claim.claimName, readOnly: claim.readOnly ?? false };
  if (image !== undefined) {
    const { reference, pullPolicy } = image;
    return {
      kind: "image",
      name,
      reference: placeImage(reference, baseDir),
      ...(pullPolicy === undefined ? {} : { pullPolicy }),
    };
  }
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
