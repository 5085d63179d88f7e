// Branded names: a string becomes one of these only where it was checked.

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A pod's name: a DNS-1123 label or dotted subdomain, at most 63 bytes here (it is a directory and a host name). */
export type PodName = Branded<"PodName">;
/** A container's name: a DNS-1123 label, or `_pause` for the first process of a shared pid namespace. */
export type ContainerName = Branded<"ContainerName">;

/** DNS-1123 label (RFC 1123 §2.1). */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export const PAUSE: ContainerName = "_pause" as ContainerName;

export function isPodName(text: string): text is PodName {
  return text.length <= 63 && text.split(".").every((label) => LABEL.test(label));
}

export function isContainerName(text: string): text is ContainerName {
  return LABEL.test(text) || text === PAUSE;
}
