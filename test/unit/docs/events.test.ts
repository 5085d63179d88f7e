import { readFileSync } from "node:fs";
import t from "tap";

interface EventSchema {
  readonly required?: readonly string[];
  readonly properties: { readonly type: { readonly const?: string; readonly enum?: readonly string[] } } & Record<
    string,
    unknown
  >;
}

t.test("docs/events.md has each type of event with its fields", async (t) => {
  const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
  const schema = JSON.parse(read("schemas/event.schema.json")) as { oneOf: readonly EventSchema[] };
  const expected = schema.oneOf.flatMap(({ properties }) => {
    const fields = Object.keys(properties).filter((name) => name !== "type");
    return [properties.type.const ?? properties.type.enum ?? []].flat().map((type) => [type, fields.join(",")]);
  });
  const rows = [...read("docs/events.md").matchAll(/^\| `([a-z.-]+)` \| ([^|]*)\| [^|]+ \|$/gm)].map(
    ([, type, fields]) => [type, (fields ?? "").replaceAll(/[` ]/g, "")],
  );
  t.same(rows.map(String).sort(), expected.map(String).sort());
});
