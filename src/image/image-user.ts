// An image's `User` (`app`, `1000`, `app:staff`, `1000:1000`) as numbers, by the image's own /etc/passwd and /etc/group, in
// the way in which docker and podman read them. Pure.

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** The texts of an image's account files; empty where it has none. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

export type FoundUser = { readonly ids: UserIds } | { readonly fault: string };

/** What a manifest can say: see runAsUser in its schema. */
const MAX_ID = 2_147_483_647;
const SHAPE = /^([^:]*)(?::([^:]+))?$/;

/** False where the numbers are known without the image's files. */
export function needsAccounts(user: string): boolean {
  return user !== "" && user !== "root" && !/^[0-9]+:[0-9]+$/.test(user) && user !== "0";
}

/** The fault is a clause about the user: `is not in its /etc/passwd`. */
export function findUser(user: string, accounts: Accounts): FoundUser {
  const [, name = "", groupName] = SHAPE.exec(user) ?? [];
  if (name === "" && user !== "") return { fault: "is not of the form USER[:GROUP]" };
  const account = findLine(accounts.passwd, name, 2);
  const uid = account === undefined ? asId(name === "" || name === "root" ? "0" : name) : asId(account[2]);
  if (uid === undefined) return { fault: isNumber(name) ? "is too large a number" : "is not in its /etc/passwd" };
  if (groupName === undefined) return { ids: { uid, gid: asId(account?.[3]) ?? 0 } };
  const gid = asId(findLine(accounts.group, groupName, 2)?.[2] ?? groupName);
  if (gid === undefined) {
    return { fault: isNumber(groupName) ? "has too large a number for a group" : "has a group not in its /etc/group" };
  }
  return { ids: { uid, gid } };
}

/** passwd(5), group(5): the first line with this name, or this number in the field `idAt`. */
function findLine(text: string, wanted: string, idAt: number): readonly string[] | undefined {
  if (wanted === "") return undefined;
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .find((fields) => fields[0] === wanted || (isNumber(wanted) && asId(fields[idAt]) === Number(wanted)));
}

function isNumber(text: string): boolean {
  return /^[0-9]+$/.test(text);
}

function asId(text: string | undefined): number | undefined {
  return text !== undefined && isNumber(text) && Number(text) <= MAX_ID ? Number(text) : undefined;
}
