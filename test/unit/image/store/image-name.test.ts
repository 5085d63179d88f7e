import t from "tap";
import {
  domainOf,
  isLoopback,
  isShortName,
  makeImageName,
  makePolicy,
  repositoryOf,
} from "../../../../src/image/store/image-name.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

t.test("names are made whole, and one image has one name", async (t) => {
  const table: readonly [string, string][] = [
    ["nginx", "nginx:latest"],
    ["docker.io/nginx:1", "docker.io/library/nginx:1"],
    ["index.docker.io/team/web", "docker.io/team/web:latest"],
    ["docker://localhost:5000/a", "localhost:5000/a:latest"],
    [`quay.io/a/b:1@${DIGEST}`, `quay.io/a/b@${DIGEST}`],
    ["oci:/srv/a", "oci:/srv/a"],
    ["docker-daemon:shop", "docker-daemon:shop:latest"],
    [`docker-daemon:${DIGEST}`, `docker-daemon:${DIGEST}`],
  ];
  for (const [written, name] of table) t.equal(makeImageName(written), name, written);
});

t.test("Kubernetes' rule of imagePullPolicy; files are always looked at", async (t) => {
  const table: readonly [string, string][] = [
    ["nginx", "Always"],
    ["nginx:latest", "Always"],
    ["localhost:5000/nginx", "Always"],
    ["nginx:1.27", "IfNotPresent"],
    [`nginx@${DIGEST}`, "IfNotPresent"],
    ["oci:/srv/a:1", "Always"],
    ["docker-archive:/srv/a.tar", "Always"],
    [`docker-daemon:${DIGEST}`, "IfNotPresent"],
    ["containers-storage:localhost/a:1", "IfNotPresent"],
  ];
  for (const [image, policy] of table) t.equal(makePolicy(image, undefined), policy, image);
  t.equal(makePolicy("nginx", "Never"), "Never");
});

t.test("parts of names", async (t) => {
  t.equal(domainOf("localhost/a"), "localhost");
  t.equal(domainOf("team/a"), undefined);
  t.equal(domainOf("a:1"), undefined);
  t.ok(isShortName("team/a:1"));
  t.notOk(isShortName("oci:/srv/a"));
  t.equal(repositoryOf(`h:5000/a:1`), "h:5000/a");
  t.equal(repositoryOf(`h:5000/a@${DIGEST}`), "h:5000/a");
  t.ok(isLoopback("127.0.0.1:5000") && isLoopback("localhost") && isLoopback("[::1]:80"));
  t.notOk(isLoopback("127.0.0.1.example.com") || isLoopback(undefined) || isLoopback("10.0.0.1"));
});
