import t from "tap";
import { findAccount } from "../../../src/image/accounts.ts";

const ACCOUNTS = {
  passwd:
    "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/:\n42:x:0:0::/:\nodd:x:y:z::/:\nshort:x\nfar:x:4294967295:1::/:\n",
  group: "root:x:0:root\nwheel:x:10:root,app\nstaff:x:50:app\nown:x:1001:app\nbad:x:zz:app\n:x:60:app\n7:x:99:app\n",
};
const NONE = { passwd: "", group: "" };

t.test("a user is found by name or number, with the groups that list him", async (t) => {
  const table: [user: string, uid: number, gid: number, groups: number[]][] = [
    ["", 0, 0, [10]],
    ["root", 0, 0, [10]],
    ["0", 0, 0, [10]],
    ["app", 1000, 1001, [10, 50, 99]],
    ["1000", 1000, 1001, [10, 50, 99]],
    ["app:staff", 1000, 50, [10, 99, 1001]],
    ["app:7", 1000, 7, [10, 50, 99, 1001]],
    ["1234", 1234, 0, []],
    ["1234:5678", 1234, 5678, []],
  ];
  for (const [user, uid, gid, groups] of table) t.strictSame(findAccount(user, ACCOUNTS), { uid, gid, groups }, user);
  t.strictSame(findAccount("root", NONE), { uid: 0, gid: 0, groups: [] }, "a system without files has a root");
});

t.test("a number is an id, whoever a hostile file calls so", async (t) => {
  t.strictSame(findAccount("42", ACCOUNTS), { uid: 42, gid: 0, groups: [] });
  t.strictSame(findAccount("1:7", ACCOUNTS), { uid: 1, gid: 7, groups: [] });
});

t.test("who is not there is told, and half a line is nobody", async (t) => {
  const table: [user: string, fault: string][] = [
    ["nobody", "is not in its /etc/passwd"],
    ["odd", "is not in its /etc/passwd"],
    ["short", "is not in its /etc/passwd"],
    ["far", "is not in its /etc/passwd"],
    ["app:nogroup", "has a group not in its /etc/group"],
    ["app:bad", "has a group not in its /etc/group"],
    ["4294967295", "is too large a number"],
    ["1:4294967295", "has too large a number for a group"],
    ["app:", "is not of the form USER[:GROUP]"],
    [":staff", "is not of the form USER[:GROUP]"],
    ["a:b:c", "is not of the form USER[:GROUP]"],
    ["app\nroot", "is not in its /etc/passwd"],
    ["-1", "is not in its /etc/passwd"],
    ["0x0", "is not in its /etc/passwd"],
  ];
  for (const [user, fault] of table) t.strictSame(findAccount(user, ACCOUNTS), { fault }, user);
});
