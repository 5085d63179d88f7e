import t from "tap";
import { parse } from "yaml";
import { parseManifest } from "../../../src/manifest/read-manifest.ts";
import { makePodNames } from "../../../src/plan/pod-names.ts";
import { aManifest, aPlan, containerOf, podText, refusalOf } from "../../support/planning.ts";

const namesOf = (spec: Record<string, unknown>) => makePodNames(aManifest({ spec }));

t.test("the pod is called as Kubernetes calls it", async (t) => {
  t.same(namesOf({}), { hostname: "shop", inHosts: ["shop"] });
  t.same(namesOf({ hostname: "web" }), { hostname: "web", inHosts: ["web"] });
  const whole = "web.shop.default.svc.cluster.local";
  t.same(namesOf({ hostname: "web", subdomain: "shop" }), { hostname: "web", inHosts: [whole, "web"] });
  const asHostname = namesOf({ hostname: "web", subdomain: "shop", setHostnameAsFQDN: true });
  t.same(asHostname, { hostname: whole, inHosts: [whole, "web"] });
  t.same(namesOf({ setHostnameAsFQDN: true }), { hostname: "shop", inHosts: ["shop"] }, "there is no whole name");
  const over = namesOf({ hostname: "web", subdomain: "shop", hostnameOverride: "my.own" });
  t.same(over, { hostname: "my.own", inHosts: ["my.own"] });
});

t.test("the namespace is part of the whole name", async (t) => {
  const document = parse(podText({ spec: { subdomain: "sub" } }));
  document.metadata.namespace = "prod";
  const manifest = parseManifest(JSON.stringify(document), { file: "pod.yaml", baseDir: "/" });
  t.equal(makePodNames(manifest).inHosts[0], "shop.sub.prod.svc.cluster.local");
});

t.test("a whole name longer than the kernel's 64 characters is refused as host name alone", async (t) => {
  const rest = ".sub.default.svc.cluster.local".length;
  const fits = { hostname: "a".repeat(64 - rest), subdomain: "sub", setHostnameAsFQDN: true };
  t.equal(namesOf(fits).hostname.length, 64);
  const long = { ...fits, hostname: "a".repeat(65 - rest) };
  t.match(
    refusalOf({ spec: long }),
    /^BAD_MANIFEST pod shop: a+\.sub\.default\.svc\.cluster\.local has 65 characters, and a host name at most 64 \(pod\.yaml:\d+ spec\.setHostnameAsFQDN\)$/,
  );
  t.equal(refusalOf({ spec: { ...long, setHostnameAsFQDN: false } }), "planned");
});

t.test("kernel, environment and every container agree on it, and say where it is from", async (t) => {
  const spec = { hostname: "web", subdomain: "sub", setHostnameAsFQDN: true };
  const whole = "web.sub.default.svc.cluster.local";
  const plan = aPlan({ spec, containers: ["a", "b"], annotations: { "peapod/namespaces.b": "uts=private" } });
  t.equal(plan.sandbox.hostname, whole);
  t.equal(plan.sandbox.namespaces.find(({ kind }) => kind === "uts")?.hostname, whole);
  t.equal(containerOf(plan, "b").hostname, whole, "the runtime names the one that it makes");
  t.ok(containerOf(plan, "a").process.env.includes(`HOSTNAME=${whole}`));
  t.match(containerOf(plan, "a").reasons.hostname, { source: "manifest", where: /spec\.setHostnameAsFQDN$/ });
  t.match(containerOf(plan, "a").reasons["mounts./etc/hostname"], { where: /spec\.setHostnameAsFQDN$/ });
});
