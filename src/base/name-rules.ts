// What names and addresses can be, for whoever takes them from outside: Kubernetes' limits and the kernel's.

import { isIP } from "node:net";

/** Of the kernel's host name, see uname(2). */
export const MAX_HOSTNAME = 64;
/** Of a name in DNS, written with dots. */
export const MAX_DOMAIN = 253;
/** As many as resolvers look at: MAXNS of resolv.h. */
export const MAX_NAMESERVERS = 3;
export const MAX_SEARCHES = 32;
/** Of all search domains, with a blank between each two. */
export const MAX_SEARCH_LENGTH = 2048;

/** Without a zone (`%eth0`): the interfaces that it could mean are not a pod's. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%");
}
