import t from "tap";
import { isWithin, type MountEntry, makeUnmountOrder, parseMountTable } from "../../../src/host/mount-table.ts";

const TABLE = `22 27 0:21 / /proc rw,relatime - proc proc rw
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
67 47 0:4 net:[4026532179] /run/p/ns/net rw shared:23 master:7 - nsfs nsfs rw
48 27 0:40 / /tmp/a\\040b\\134c\\011d rw - overlay my\\040disk rw,lowerdir=/l\\054x,upperdir=/u

not a line of the table
`;

t.test("each line becomes an entry, whatever the number of its optional fields", async (t) => {
  const table = parseMountTable(TABLE);
  t.strictSame(
    table.map((entry) => [entry.type, entry.root]),
    [
      ["proc", "/"],
      ["cgroup2", "/"],
      ["nsfs", "net:[4026532179]"],
      ["overlay", "/"],
    ],
  );
});

t.test("blanks, tabs and backslashes in paths come back as they were", async (t) => {
  const overlay = parseMountTable(TABLE).at(-1);
  t.equal(overlay?.target, "/tmp/a b\\c\td");
  t.equal(overlay?.source, "my disk");
});

t.test("a directory holds itself and what is below, not its namesakes", async (t) => {
  t.ok(isWithin("/run/p", "/run/p"));
  t.ok(isWithin("/run/p/ns", "/run/p"));
  t.notOk(isWithin("/run/pod", "/run/p"));
  t.notOk(isWithin("/run", "/run/p"));
  t.ok(isWithin("/anything", "/"));
});

t.test("mounts are unmounted deepest first, and the last of several on one point before the others", async (t) => {
  const entry = (target: string): MountEntry => ({
    target,
    type: "tmpfs",
    source: "tmpfs",
    root: "/",
    options: [],
    superOptions: [],
  });
  const table = ["/", "/p", "/p/b/rootfs", "/p/c", "/q/x", "/p/b", "/p/c"].map(entry);
  t.strictSame(makeUnmountOrder(table, "/p"), ["/p/b/rootfs", "/p/c", "/p/b", "/p/c", "/p"]);
});
