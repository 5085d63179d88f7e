import t from "tap";
import { findUser, needsAccounts } from "../../../src/image/image-user.ts";

const ACCOUNTS = {
  passwd: "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/:\n42:x:7:8::/:\nodd:x:y:z::/:\nfar:x:4294967295:1::/:\n",
  group: "root:x:0:\nstaff:x:50:app\n",
};
const NONE = { passwd: "", group: "" };

t.test("a user is found as docker and podman find him", async (t) => {
  const table: [user: string, uid: number, gid: number][] = [
    ["", 0, 0],
    ["root", 0, 0],
    ["0", 0, 0],
    ["app", 1000, 1001],
    ["1000", 1000, 1001],
    ["app:staff", 1000, 50],
    ["app:7", 1000, 7],
    ["1234", 1234, 0],
    ["1234:5678", 1234, 5678],
    ["42", 7, 8],
    ["0:staff", 0, 50],
  ];
  for (const [user, uid, gid] of table) t.strictSame(findUser(user, ACCOUNTS), { ids: { uid, gid } }, user);
});

t.test("who is not there is told", async (t) => {
  const table: [user: string, fault: string][] = [
    ["nobody", "is not in its /etc/passwd"],
    ["odd", "is not in its /etc/passwd"],
    ["far", "is not in its /etc/passwd"],
    ["app:wheel", "has a group not in its /etc/group"],
    ["4294967295", "is too large a number"],
    ["1:4294967295", "has too large a number for a group"],
    ["app:", "is not of the form USER[:GROUP]"],
    [":staff", "is not of the form USER[:GROUP]"],
    ["a:b:c", "is not of the form USER[:GROUP]"],
    ["app\nroot", "is not in its /etc/passwd"],
  ];
  for (const [user, fault] of table) t.strictSame(findUser(user, ACCOUNTS), { fault }, user);
  t.strictSame(findUser("app", NONE), { fault: "is not in its /etc/passwd" });
});

t.test("the files are read only for who needs them", async (t) => {
  for (const user of ["", "root", "0", "7:8"]) {
    t.notOk(needsAccounts(user), user);
    t.strictSame(findUser(user, NONE), findUser(user, ACCOUNTS), user);
  }
  for (const user of ["7", "app", "app:8", "7:staff"]) t.ok(needsAccounts(user), user);
});
