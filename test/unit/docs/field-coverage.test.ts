// Each field that docs/manifest.md calls supported has a case that runs for real: it stands in the manifest of an example,
// all of which test/integration/examples.test.ts runs, or in a test that this table names.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parseAllDocuments } from "yaml";
import { EXAMPLES, exampleNames } from "../../../scripts/golden.ts";
import { supportedFields } from "../../../scripts/manifest-docs.ts";

/** A file of test/integration and the beginning of a test's sentence, to the fields that it is about. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  "cli-verbs: the host's namespaces, seen from inside": ["spec.hostPID", "spec.hostIPC"],
  "config-and-secrets: keys become variables and files": [
    "spec.containers[].envFrom[].configMapRef.optional",
    "spec.volumes[].secret.items",
  ],
  "images: a layout, archives and a directory of skopeo's run": ["spec.containers[].imagePullPolicy"],
  "images: an image as a volume": [
    "spec.volumes[].image",
    "spec.volumes[].image.reference",
    "spec.volumes[].image.pullPolicy",
  ],
  "manifest-fields: what a cluster's tools leave in a manifest does no harm": [
    "metadata.namespace",
    "metadata.creationTimestamp",
    "spec.containers[].env[].valueFrom.fieldRef.apiVersion",
    "status",
  ],
  "manifest-fields: what is optional and not there is an empty directory": [
    "spec.containers[].envFrom[].secretRef",
    "spec.volumes[].configMap.optional",
    "spec.volumes[].secret.optional",
    "spec.volumes[].projected.sources[].secret.optional",
  ],
  "manifest-fields: a probe begins after initialDelaySeconds": [
    "spec.containers[].livenessProbe.initialDelaySeconds",
    "spec.containers[].livenessProbe.successThreshold",
  ],
  "manifest-fields: a probe's own terminationGracePeriodSeconds": [
    "spec.containers[].livenessProbe.terminationGracePeriodSeconds",
  ],
  "manifest-fields: hooks ask by HTTP, HTTPS and TCP": [
    "spec.containers[].lifecycle.postStart.httpGet",
    "spec.containers[].lifecycle.postStart.httpGet.host",
    "spec.containers[].lifecycle.postStart.httpGet.scheme",
    "spec.containers[].lifecycle.postStart.tcpSocket",
    "spec.containers[].lifecycle.postStart.tcpSocket.host",
  ],
  "manifest-fields: a grpc probe asks for its service": [
    "spec.containers[].livenessProbe.grpc",
    "spec.containers[].livenessProbe.grpc.port",
    "spec.containers[].livenessProbe.grpc.service",
  ],
  "manifest-fields: with hostNetwork a hostPort is the host's own port": [
    "spec.containers[].ports[].protocol",
    "spec.containers[].ports[].hostPort",
    "spec.containers[].ports[].hostIP",
  ],
  "manifest-fields: fsGroupChangePolicy says when": ["spec.securityContext.fsGroupChangePolicy"],
  "manifest-fields: a limit of huge pages": [
    "spec.containers[].resources.limits.hugepages-2Mi",
    "spec.containers[].resources.limits.hugepages-1Gi",
    "spec.containers[].resources.requests.hugepages-2Mi",
    "spec.containers[].resources.requests.hugepages-1Gi",
  ],
  "names: hostnameOverride is the whole name": ["spec.hostnameOverride"],
  "resources: a pod's own limits bind all its containers together": ["spec.resources"],
  "restarts: a container's own policy and rules come before": [
    "spec.containers[].restartPolicyRules",
    "spec.containers[].restartPolicyRules[].action",
    "spec.containers[].restartPolicyRules[].exitCodes",
    "spec.containers[].restartPolicyRules[].exitCodes.operator",
    "spec.containers[].restartPolicyRules[].exitCodes.values",
  ],
  "security: user, groups, capabilities and filters": ["spec.containers[].securityContext.runAsNonRoot"],
  "security: a seccomp profile of the user's own": [
    "spec.containers[].securityContext.seccompProfile.localhostProfile",
  ],
  "security: what this kernel has not is an error": [
    "spec.containers[].securityContext.appArmorProfile",
    "spec.containers[].securityContext.appArmorProfile.type",
    "spec.containers[].securityContext.appArmorProfile.localhostProfile",
    "spec.containers[].securityContext.seLinuxOptions",
    "spec.containers[].securityContext.seLinuxOptions.user",
    "spec.containers[].securityContext.seLinuxOptions.role",
    "spec.containers[].securityContext.seLinuxOptions.type",
    "spec.containers[].securityContext.seLinuxOptions.level",
    "spec.securityContext.appArmorProfile",
    "spec.securityContext.seLinuxOptions",
  ],
  "volumes: a named volume outlives its pods": [
    "spec.volumes[].persistentVolumeClaim",
    "spec.volumes[].persistentVolumeClaim.claimName",
    "spec.volumes[].persistentVolumeClaim.readOnly",
  ],
  "volumes: readOnly holds, and recursiveReadOnly": ["spec.containers[].volumeMounts[].recursiveReadOnly"],
  "volumes: mounts that a privileged container makes": ["spec.containers[].volumeMounts[].mountPropagation"],
  "volumes: fsGroup owns the volumes": ["spec.volumes[].downwardAPI.defaultMode"],
  "volumes: a projected volume joins its sources": ["spec.volumes[].projected.sources[].configMap.optional"],
};

const insides = supportedFields();
const fields = [...insides.keys()];

t.test("each supported field is exercised by an example or by a test that runs it", async (t) => {
  const inExamples = fieldsOfExamples();
  const named = Object.values(ELSEWHERE).flat();
  const missing = fields.filter((field) => !inExamples.has(field) && !named.includes(field));
  t.same(missing, [], "has no case in the suite");
  const needless = named.filter((field) => !fields.includes(field) || inExamples.has(field));
  t.same(needless, [], "is in the table for nothing");
});

t.test("the tests that the table names are there, and speak of their fields", async (t) => {
  for (const [test, about] of Object.entries(ELSEWHERE)) {
    const [file = "", sentence = ""] = test.split(": ");
    const text = readFileSync(new URL(`../../integration/${file}.test.ts`, import.meta.url), "utf8");
    t.match(text, new RegExp(`\\b(t\\.test|test\\w+)\\(\\s*["\`]${sentence}`), `${file} has a test "${sentence}"`);
    for (const field of about) {
      const name = field.replace(/^.*\./, "").replace(/-.*/, "");
      t.match(text, new RegExp(`\\b${name}\\b`), `${file} speaks of ${name}`);
    }
  }
});

function fieldsOfExamples(): Set<string> {
  const found = new Set<string>();
  for (const example of exampleNames()) {
    const documents = parseAllDocuments(readFileSync(join(EXAMPLES, example, "pod.yaml"), "utf8"));
    for (const document of documents) {
      const value = document.toJS();
      if (value.kind === "Pod") collect(value, "", found);
    }
  }
  return found;
}

/** As docs/manifest.md calls them: what is inside of a part that stands in several places has the name of the first. */
function collect(value: unknown, path: string, found: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) collect(item, path, found);
  else if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      const at = path === "" ? name : `${path}.${name}`;
      found.add(at);
      collect(inner, insides.get(at) ?? (Array.isArray(inner) ? `${at}[]` : at), found);
    }
  }
}
