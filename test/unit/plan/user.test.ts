import t from "tap";
import { aPlan, containerOf, type PlanWords, type PodWords, refusalOf } from "../../support/planning.ts";

const ACCOUNTS = {
  passwd: "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/:\n",
  group: "wheel:x:10:root,app\nstaff:x:50:app\n",
};

function userOf(security: object, own: object = {}, more: PlanWords = {}): [number, number, readonly number[]] {
  const words: PodWords = { spec: { securityContext: security }, containers: { web: { securityContext: own } } };
  const { uid, gid, additionalGids } = containerOf(aPlan(words, { accounts: ACCOUNTS, ...more }), "web").process;
  return [uid, gid, additionalGids];
}

t.test("a container's own numbers go before the pod's, these before the image's user", (t) => {
  t.strictSame(userOf({}), [0, 0, [0, 10]], "root, in the groups that the image gives him");
  t.strictSame(userOf({}, {}, { accounts: { passwd: "", group: "" } }), [0, 0, []]);
  t.strictSame(userOf({ runAsUser: 5, runAsGroup: 6 }), [5, 6, [6]]);
  t.strictSame(userOf({ runAsUser: 5, runAsGroup: 6 }, { runAsUser: 7 }), [7, 6, [6]]);
  t.strictSame(userOf({ runAsUser: 5 }, { runAsUser: 0 }), [0, 0, [0, 10]], "0 is a number too");
  t.strictSame(userOf({}, {}, { image: { user: "app:staff" } }), [1000, 50, [50, 10]]);
  t.strictSame(userOf({ runAsGroup: 9 }, {}, { image: { user: "app" } }), [1000, 9, [9, 10, 50]]);
  t.strictSame(userOf({}, { runAsUser: 3 }, { image: { user: "app" } }), [3, 0, [0]]);
  t.end();
});

t.test("a user alone has the group of /etc/passwd, and its groups unless the policy is Strict", (t) => {
  t.strictSame(userOf({ runAsUser: 1000 }), [1000, 1001, [1001, 10, 50]]);
  t.strictSame(userOf({ runAsUser: 1000, supplementalGroups: [77, 10] }), [1000, 1001, [1001, 10, 50, 77]]);
  t.strictSame(userOf({ runAsUser: 1000, supplementalGroups: [77], supplementalGroupsPolicy: "Strict" }), [
    1000,
    1001,
    [1001, 77],
  ]);
  t.strictSame(userOf({ supplementalGroupsPolicy: "Strict" }), [0, 0, []]);
  t.end();
});

t.test("root is refused where runAsNonRoot is set, with the line that says so", (t) => {
  const refused = (security: object, own: object = {}, more: PlanWords = {}) =>
    refusalOf(
      { spec: { securityContext: security }, containers: { web: { securityContext: own } } },
      { accounts: ACCOUNTS, ...more },
    );
  t.match(
    refused({ runAsNonRoot: true }),
    /^BAD_MANIFEST container web: would run as root \(containerd's and podman's default \(0:0\)\), which runAsNonRoot forbids \(pod\.yaml:\d+ spec\.securityContext\.runAsNonRoot\)$/,
  );
  t.match(
    refused({ runAsUser: 5 }, { runAsNonRoot: true, runAsUser: 0 }),
    /containers\[0\]\.securityContext\.runAsNonRoot/,
  );
  t.match(refused({ runAsNonRoot: true }, {}, { image: { user: "root" } }), /would run as root/);
  t.equal(refused({ runAsNonRoot: true }, {}, { image: { user: "app" } }), "planned");
  t.equal(refused({ runAsNonRoot: true }, { runAsNonRoot: false }), "planned");
  t.equal(refused({ runAsNonRoot: true, runAsUser: 5 }), "planned");
  const evil = { passwd: "1000:x:0:0::/:\napp:x:0:0::/:\n", group: "" };
  t.match(refused({ runAsNonRoot: true }, {}, { image: { user: "app" }, accounts: evil }), /would run as root/);
  t.equal(refused({ runAsNonRoot: true }, {}, { image: { user: "1000" }, accounts: evil }), "planned", "it is 1000");
  t.match(refused({}, {}, { image: { user: "ghost" } }), /the image's user ghost is not in its \/etc\/passwd/);
  t.end();
});

t.test("a user that the user namespace does not have is refused", (t) => {
  const refused = (security: object) => refusalOf({ spec: { hostUsers: false, securityContext: security } });
  t.match(
    refused({ runAsUser: 65536 }),
    /^BAD_MANIFEST container web: id 65536 is not in its user namespace, which has 65536 ids from 0 on/,
  );
  t.match(refused({ runAsGroup: 70000 }), /securityContext\.runAsGroup/);
  t.match(refused({ supplementalGroups: [70000] }), /securityContext\.supplementalGroups/);
  t.equal(refused({ runAsUser: 65535, supplementalGroups: [65535] }), "planned");
  t.end();
});
