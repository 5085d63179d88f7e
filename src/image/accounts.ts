// Who somebody is by a root file system's /etc/passwd and /etc/group (passwd(5), group(5)). The files are the image's: a
// line that is not whole is passed over, and a number is always an id, whoever is named so. Pure.

import type { Accounts } from "./image-user.ts";

export interface Account {
  readonly uid: number;
  /** The one that /etc/passwd gives the user, 0 where he is not in it; as containerd does. */
  readonly gid: number;
  /** Those of /etc/group that list the user; ascending, without `gid`. */
  readonly groups: readonly number[];
}

export type FoundAccount = Account | { readonly fault: string };

/** The largest id that Kubernetes knows. */
export const MAX_ID = 2_147_483_647;

interface Entry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * @param user `app`, `1000`, `app:staff`, `1000:1000`; empty is root
 * @returns or a clause about the user: `is not in its /etc/passwd`
 */
export function findAccount(user: string, accounts: Accounts): FoundAccount {
  const [, name = "", groupName] = /^([^:]*)(?::([^:]+))?$/s.exec(user) ?? [];
  if (name === "" && user !== "") return { fault: "is not of the form USER[:GROUP]" };
  const id = isNumber(name) ? asId(name) : undefined;
  if (isNumber(name) && id === undefined) return { fault: "is too large a number" };
  const wanted = name === "" ? 0 : id;
  const entry = findEntry(accounts.passwd, (one) => (wanted === undefined ? one.name === name : one.uid === wanted));
  // Every system has a root, also one without files.
  const uid = entry?.uid ?? wanted ?? (name === "root" ? 0 : undefined);
  if (uid === undefined) return { fault: "is not in its /etc/passwd" };
  const gid = groupName === undefined ? (entry?.gid ?? 0) : findGroup(groupName, accounts.group);
  if (gid === undefined)
    return {
      fault: isNumber(groupName ?? "") ? "has too large a number for a group" : "has a group not in its /etc/group",
    };
  return { uid, gid, groups: entry === undefined ? [] : findGroupsOf(entry.name, accounts.group, gid) };
}

function findEntry(passwd: string, fits: (entry: Entry) => boolean): Entry | undefined {
  for (const line of passwd.split("\n")) {
    const [name = "", , uidText, gidText] = line.split(":");
    const uid = asId(uidText);
    const gid = asId(gidText);
    if (name === "" || uid === undefined || gid === undefined) continue;
    if (fits({ name, uid, gid })) return { name, uid, gid };
  }
  return undefined;
}

function findGroup(name: string, group: string): number | undefined {
  if (isNumber(name)) return asId(name);
  return groupsIn(group).find((one) => one.name === name)?.gid;
}

function findGroupsOf(user: string, group: string, own: number): number[] {
  const found = new Set(groupsIn(group).flatMap(({ gid, members }) => (members.includes(user) ? [gid] : [])));
  found.delete(own);
  return [...found].sort((a, b) => a - b);
}

function groupsIn(text: string): { name: string; gid: number; members: readonly string[] }[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , gidText, members = ""] = line.split(":");
    const gid = asId(gidText);
    return name === "" || gid === undefined ? [] : [{ name, gid, members: members.split(",") }];
  });
}

function isNumber(text: string): boolean {
  return /^[0-9]+$/.test(text);
}

function asId(text: string | undefined): number | undefined {
  return text !== undefined && isNumber(text) && Number(text) <= MAX_ID ? Number(text) : undefined;
}
