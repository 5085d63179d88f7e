// --hostname, --add-host, --dns, --dns-search, --dns-option: podman's words, checked as the manifest's fields are.

import { PeapodError } from "../../base/errors.ts";
import {
  isAddress,
  MAX_DOMAIN,
  MAX_HOSTNAME,
  MAX_NAMESERVERS,
  MAX_SEARCH_LENGTH,
  MAX_SEARCHES,
} from "../../base/name-rules.ts";
import type { SaidNames } from "../../engine/engine.ts";
import type { HostAlias } from "../../manifest/manifest.ts";
import type { Options } from "./options.ts";

const NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const DOMAIN = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/;

/** Undefined where none of them is given. @throws BAD_USAGE */
export function makeSaidNames(options: Options): SaidNames | undefined {
  const hostname = options.text("hostname");
  const hosts = options.list("add-host").map(parseHost);
  const dns = {
    ...listOf(options, "dns", "nameservers", checkNameservers),
    ...listOf(options, "dns-search", "searches", checkSearches),
    ...listOf(options, "dns-option", "options", checkOptions),
  };
  if (hostname !== undefined && (!NAME.test(hostname) || hostname.length > MAX_HOSTNAME))
    throw refuse("hostname", `${quote(hostname)} is not a host name: at most 64 lower-case letters, digits, - and .`);
  const said = {
    ...(hostname === undefined ? {} : { hostname }),
    ...(hosts.length === 0 ? {} : { hosts }),
    ...(Object.keys(dns).length === 0 ? {} : { dns }),
  };
  return Object.keys(said).length === 0 ? undefined : said;
}

function listOf<K extends string>(
  options: Options,
  long: string,
  key: K,
  check: (words: readonly string[]) => readonly string[],
): { readonly [key in K]?: readonly string[] } {
  const words = options.list(long);
  return words.length === 0 ? {} : ({ [key]: check(words) } as { [key in K]: readonly string[] });
}

/** `NAME:IP`, several names with a semicolon between them; an IPv6 address as it is, or in brackets. */
function parseHost(word: string): HostAlias {
  const at = word.indexOf(":");
  const hostnames = word.slice(0, Math.max(at, 0)).toLowerCase().split(";");
  const ip = word.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
  if (at < 1 || hostnames.some((name) => !NAME.test(name) || name.length > MAX_DOMAIN))
    throw refuse("add-host", `${quote(word)} is not HOST:IP`, "such as db.example:192.0.2.7, or a;b:2001:db8::7");
  if (ip === "host-gateway")
    throw refuse("add-host", `${quote(word)}: the host has no address of that name here`, "write the address itself");
  if (!isAddress(ip)) throw refuse("add-host", `${quote(ip)} is not an address (${quote(word)})`);
  return { ip, hostnames };
}

function checkNameservers(words: readonly string[]): readonly string[] {
  const wrong = words.find((word) => !isAddress(word));
  if (wrong !== undefined) throw refuse("dns", `${quote(wrong)} is not an address, such as 192.0.2.1 or 2001:db8::1`);
  if (words.length > MAX_NAMESERVERS)
    throw refuse("dns", `resolvers ask ${MAX_NAMESERVERS} servers, not ${words.length}`);
  return words;
}

/** `.` alone: none at all. */
function checkSearches(words: readonly string[]): readonly string[] {
  if (words.length === 1 && words[0] === ".") return [];
  const wrong = words.find((word) => !DOMAIN.test(word) || word.length > MAX_DOMAIN);
  if (wrong === ".") throw refuse("dns-search", '"." means no domain, and cannot stand beside others');
  if (wrong !== undefined) throw refuse("dns-search", `${quote(wrong)} is not a domain`);
  if (words.length > MAX_SEARCHES || words.join(" ").length > MAX_SEARCH_LENGTH)
    throw refuse("dns-search", `more than ${MAX_SEARCHES} domains, or than ${MAX_SEARCH_LENGTH} characters together`);
  return words;
}

function checkOptions(words: readonly string[]): readonly string[] {
  const wrong = words.find((word) => !/^[!-9;-~]+(:[!-~]*)?$/.test(word));
  if (wrong === undefined) return words;
  throw refuse("dns-option", `${quote(wrong)} is not an option of resolv.conf(5), such as ndots:2`);
}

function refuse(long: string, what: string, hint?: string): PeapodError {
  return new PeapodError("BAD_USAGE", `option --${long}: ${what}`, hint === undefined ? {} : { hint });
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
