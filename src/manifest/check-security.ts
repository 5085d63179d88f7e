// What a schema cannot say of securityContext, sysctls and hostUsers: Kubernetes' rules on what goes together, and the
// annotations that were once in their place. Takes any value, as check-pod.ts does.

import type { Report } from "./check-pod.ts";
import { normalSysctl } from "./security.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What the annotations of old Kubernetes became; read silently as free words they would leave a container open. */
const OLD_ANNOTATIONS: readonly (readonly [RegExp, string])[] = [
  [/^container\.apparmor\.security\.beta\.kubernetes\.io\//, "securityContext.appArmorProfile"],
  [/^container\.seccomp\.security\.alpha\.kubernetes\.io\//, "securityContext.seccompProfile of the container"],
  [/^seccomp\.security\.alpha\.kubernetes\.io\/pod$/, "spec.securityContext.seccompProfile"],
  [/^security\.alpha\.kubernetes\.io\/(unsafe-)?sysctls$/, "spec.securityContext.sysctls"],
];

export function checkSecurity(pod: unknown, lineOf: (pointer: string) => number, report: Report): void {
  const spec = fields(fields(pod).spec);
  for (const key of Object.keys(fields(fields(fields(pod).metadata).annotations))) {
    const became = OLD_ANNOTATIONS.find(([pattern]) => pattern.test(key))?.[1];
    if (became === undefined) continue;
    const pointer = `/metadata/annotations/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    report(pointer, `is not understood any more, in Kubernetes neither; set ${became}`);
  }
  const ofPod = fields(spec.securityContext);
  checkProfiles(ofPod, "/spec/securityContext", report);
  checkSysctls(ofPod.sysctls, lineOf, report);
  for (const kind of ["initContainers", "containers"]) {
    list(spec[kind]).forEach((container, index) => {
      checkContainer(fields(fields(container).securityContext), `/spec/${kind}/${index}/securityContext`, report);
    });
  }
  if (spec.hostUsers !== false) return;
  for (const field of ["hostNetwork", "hostPID", "hostIPC"]) {
    if (spec[field] === true)
      report(`/spec/${field}`, "cannot be true with hostUsers: false, whose users have no say over what is the host's");
  }
}

function checkContainer(security: Fields, pointer: string, report: Report): void {
  checkProfiles(security, pointer, report);
  if (security.allowPrivilegeEscalation !== false) return;
  if (security.privileged === true)
    report(`${pointer}/allowPrivilegeEscalation`, "cannot be false together with privileged: true");
  list(fields(security.capabilities).add).forEach((name, at) => {
    if (name === "SYS_ADMIN" || name === "ALL")
      report(`${pointer}/capabilities/add/${at}`, `cannot be ${name} together with allowPrivilegeEscalation: false`);
  });
}

function checkProfiles(security: Fields, pointer: string, report: Report): void {
  for (const field of ["seccompProfile", "appArmorProfile"]) {
    const at = `${pointer}/${field}`;
    const { type, localhostProfile } = fields(security[field]);
    if (type === "Localhost" && localhostProfile === undefined) report(at, "must have localhostProfile with Localhost");
    if (localhostProfile === undefined) continue;
    if (typeof type === "string" && type !== "Localhost")
      report(`${at}/localhostProfile`, `goes with type Localhost only, not with ${type}`);
    if (field === "appArmorProfile" || typeof localhostProfile !== "string") continue;
    if (localhostProfile.startsWith("/")) report(`${at}/localhostProfile`, "must be a relative path");
    if (localhostProfile.split("/").includes("..")) report(`${at}/localhostProfile`, "must not contain ..");
  }
}

function checkSysctls(sysctls: unknown, lineOf: (pointer: string) => number, report: Report): void {
  const seen = new Map<string, string>();
  list(sysctls).forEach((sysctl, index) => {
    const { name } = fields(sysctl);
    if (typeof name !== "string") return;
    const pointer = `/spec/securityContext/sysctls/${index}/name`;
    const normal = normalSysctl(name);
    const first = seen.get(normal);
    if (first !== undefined) report(pointer, `${quote(normal)} is there twice (first in line ${lineOf(first)})`);
    else seen.set(normal, pointer);
    if (normal === "kernel.hostname") report(pointer, "is set by spec.hostname");
    else if (namespaceOfSysctl(normal) === undefined)
      report(
        pointer,
        `${quote(normal)} is one for the whole machine, not of a namespace; sysctl(8) sets it for all, and allowed here are net.*, kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*, kernel.domainname`,
      );
  });
}

/** The kind of namespace that has this parameter for itself; undefined for one of the whole machine. */
export function namespaceOfSysctl(name: string): "net" | "ipc" | "uts" | undefined {
  if (name.startsWith("net.")) return "net";
  if (/^kernel\.(sem|shm(all|max|mni|_rmid_forced)|msg(max|mnb|mni))$/.test(name)) return "ipc";
  if (name.startsWith("fs.mqueue.")) return "ipc";
  return name === "kernel.domainname" ? "uts" : undefined;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
