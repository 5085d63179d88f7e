import { readFileSync } from "node:fs";
import t from "tap";
import type { NamespaceKind } from "../../../src/plan/plan.ts";
import { aPlan, type PodWords, refusalOf, scopeOf } from "../../support/planning.ts";

const text = readFileSync(new URL("../../../docs/namespaces.md", import.meta.url), "utf8");
const KINDS: readonly NamespaceKind[] = ["net", "ipc", "uts", "pid", "user", "cgroup", "time", "mnt"];

function podWith(annotations: string): PodWords {
  const pairs = [...annotations.matchAll(/`([^`:]+): ([^`]+)`/g)].map(([, name = "", value = ""]) => [name, value]);
  return { containers: ["web", "db"], annotations: Object.fromEntries(pairs) };
}

t.test("each row of docs/namespaces.md is planned as it says", async (t) => {
  const scope = "[^ |]+";
  const rows = [
    ...text.matchAll(new RegExp(`^\\| (none|\`peapod/[^|]+\`) \\| (${scope}(?: \\| ${scope}){7}) \\|$`, "gm")),
  ];
  for (const [, annotations = "", scopes] of rows) {
    const plan = aPlan(podWith(annotations));
    t.equal(KINDS.map((kind) => scopeOf(plan, "web", kind)).join(" | "), scopes, annotations);
  }
  t.ok(rows.length >= 10, "there are many");
});

t.test("each refusal of docs/namespaces.md is refused for its reason", async (t) => {
  const rows = [...text.matchAll(/^\| (`peapod\/[^|]+`) \| `([A-Z_]+)` \| ([^|]+) \|$/gm)];
  for (const [, annotations = "", code, because = ""] of rows) {
    const refusal = refusalOf(podWith(annotations));
    t.equal(refusal.split(" ")[0], code, annotations);
    t.ok(refusal.includes(because), `${annotations}: ${refusal}`);
  }
  t.ok(rows.length >= 8, "there are many");
});
