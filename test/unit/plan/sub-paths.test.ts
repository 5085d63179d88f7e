import t from "tap";
import { aPlan, containerOf, refusalOf } from "../../support/planning.ts";

const VOLUMES = [
  { name: "data", emptyDir: {} },
  { name: "about", downwardAPI: { items: [{ path: "a/b", fieldRef: { fieldPath: "metadata.name" } }] } },
];

function words(mount: object, env: readonly object[] = []) {
  return {
    spec: { volumes: VOLUMES },
    containers: { web: { volumeMounts: [{ name: "data", mountPath: "/x", ...mount }], env } },
  };
}

t.test("a part of a volume is mounted from a place of the container's own", async (t) => {
  const web = containerOf(aPlan(words({ subPath: "./a//b/" })), "web");
  t.match(web.subPaths, [
    { volume: "/run/peapod/pods/shop/volumes/data", path: "a/b", target: "/run/peapod/pods/shop/subpaths/web/0" },
  ]);
  t.match(
    web.mounts.find(({ destination }) => destination === "/x"),
    { source: "/run/peapod/pods/shop/subpaths/web/0" },
  );
});

t.test("without one, or with an empty one, it is the whole volume", async (t) => {
  for (const mount of [{}, { subPath: "" }, { subPath: "." }]) {
    const web = containerOf(aPlan(words(mount)), "web");
    t.equal(web.subPaths, undefined);
    t.match(
      web.mounts.find(({ destination }) => destination === "/x"),
      { source: "/run/peapod/pods/shop/volumes/data" },
    );
  }
});

t.test("subPathExpr takes variables of env, and leads nowhere else", async (t) => {
  const expr = (value: string) => words({ subPathExpr: "logs/$(WHO)" }, [{ name: "WHO", value }]);
  t.match(containerOf(aPlan(expr("me")), "web").subPaths, [{ path: "logs/me" }]);
  t.match(
    refusalOf(expr("../..")),
    /^BAD_MANIFEST container web: subPath logs\/..\/.. must not contain \.\. \(pod.yaml:\d+ /,
  );
  t.match(refusalOf(words({ subPathExpr: "$(HOSTNAME)" })), /names HOSTNAME, which is no variable of its env/);
});

t.test("of files it must be one that is there", async (t) => {
  const about = (subPath: string) => words({ name: "about", subPath });
  t.match(containerOf(aPlan(about("a/b")), "web").subPaths, [{ path: "a/b" }]);
  t.match(containerOf(aPlan(about("a")), "web").subPaths, [{ path: "a" }]);
  t.match(refusalOf(about("c")), /subPath c is not in volume about, which has a\/b/);
});

t.test("a device has no parts", async (t) => {
  const volumes = [{ name: "fuse", hostPath: { path: "/dev/fuse", type: "CharDevice" } }];
  const volumeMounts = [{ name: "fuse", mountPath: "/x", subPath: "a" }];
  t.match(
    refusalOf({ spec: { volumes }, containers: { web: { volumeMounts } } }),
    /^BAD_MANIFEST container web: subPath a is in volume fuse, which is a device \(pod.yaml:\d+ /,
  );
});
