import { readFileSync } from "node:fs";
import t from "tap";

const text = readFileSync(new URL("../../../docs/security.md", import.meta.url), "utf8");
const { $defs } = JSON.parse(readFileSync(new URL("../../../schemas/pod.schema.json", import.meta.url), "utf8"));

t.test("docs/security.md tells of each field of securityContext that counts", async (t) => {
  for (const name of ["securityContext", "podSecurityContext"]) {
    for (const [field, schema] of Object.entries($defs[name].properties as Record<string, object>)) {
      if ("x-refused" in schema && field.startsWith("fsGroup")) continue;
      t.match(text, `\`${field}\``, `${name}.${field}`);
    }
  }
  for (const type of ["RuntimeDefault", "Unconfined", "Localhost"]) t.match(text, type);
});
