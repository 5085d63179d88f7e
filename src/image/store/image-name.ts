// What an image is called in the store, and when it must be looked for elsewhere: the words of the manifest made whole
// (distribution/reference), and Kubernetes' rule of imagePullPolicy. Pure.

import { isFileTransport, splitImage } from "../../base/image-transports.ts";

export type PullPolicy = "Always" | "IfNotPresent" | "Never";

/** Under which name the store knows it: `docker.io/library/nginx:1.27`, `nginx:1.27` (short), `oci:/srv/image:1.0`. */
export function makeImageName(image: string): string {
  const { transport, rest } = splitImage(image);
  if (transport === "docker") return makeWhole(rest);
  return `${transport}:${transport === "docker-daemon" && !rest.startsWith("sha256:") ? withTag(rest) : rest}`;
}

/** True for a name without a registry: which one is meant, registries.conf says. */
export function isShortName(name: string): boolean {
  return splitImage(name).transport === "docker" && domainOf(name) === undefined;
}

/** Kubernetes' rule: `latest`, and what has no tag, may be another tomorrow. */
export function makePolicy(image: string, written: PullPolicy | undefined): PullPolicy {
  if (written !== undefined) return written;
  const { transport, rest } = splitImage(image);
  // To look at what lies here costs next to nothing.
  if (isFileTransport(transport)) return "Always";
  if (transport === "docker-daemon" && rest.startsWith("sha256:")) return "IfNotPresent";
  return !rest.includes("@") && withTag(rest).endsWith(":latest") ? "Always" : "IfNotPresent";
}

/** `docker.io/library/nginx:1.27`; a digest goes before a tag, as everywhere. */
export function makeWhole(reference: string): string {
  const [tagged = "", digest] = reference.split("@");
  const named = digest === undefined ? tagged : tagged.replace(/:[^/:]*$/, "");
  const official = /^(?:index\.)?docker\.io\/(?!.*\/)/.test(named);
  const whole = named.replace(/^(?:index\.)?docker\.io\//, official ? "docker.io/library/" : "docker.io/");
  return digest === undefined ? withTag(whole) : `${whole}@${digest}`;
}

function withTag(name: string): string {
  return name.includes("@") || /:[^/]*$/.test(name) ? name : `${name}:latest`;
}

/** `registry:5000` of `registry:5000/team/web`. */
export function domainOf(name: string): string | undefined {
  const [first = "", ...more] = name.split("/");
  return more.length > 0 && (/[.:A-Z]/.test(first) || first === "localhost") ? first : undefined;
}

/** The name without tag and digest: `docker.io/library/nginx`. */
export function repositoryOf(name: string): string {
  return (name.split("@")[0] ?? "").replace(/:[^/:]*$/, "");
}

/** On this very machine: nobody is between it and us, so that it need not speak TLS. */
export function isLoopback(domain: string | undefined): boolean {
  const host = domain?.replace(/:\d+$/, "");
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host ?? "");
}
