import fc from "fast-check";
import t from "tap";
import { parsePlacedJson } from "../../../src/network/json-places.ts";
import { parseNetworkList } from "../../../src/network/parse-list.ts";

const good = { cniVersion: "1.0.0", name: "blue", plugins: [{ type: "bridge" }] };
const parse = (list: unknown) => parseNetworkList(JSON.stringify(list), "/n/10-x.conflist");

t.test("a list, or one plugin alone", async (t) => {
  t.same(parse(good), { ...good, file: "/n/10-x.conflist" });
  t.same(parse({ cniVersion: "0.3.1", name: "one", type: "ptp", ipam: {} }), {
    cniVersion: "0.3.1",
    name: "one",
    file: "/n/10-x.conflist",
    plugins: [{ cniVersion: "0.3.1", name: "one", type: "ptp", ipam: {} }],
  });
  t.match(parse({ ...good, disableCheck: "true", disableGC: false }), { disableCheck: true });
});

t.test("of several versions it is the highest that both speak", async (t) => {
  t.equal(parse({ ...good, cniVersions: ["0.4.0", "1.1.0", "2.0.0"] }).cniVersion, "1.1.0");
  t.equal(parse({ ...good, cniVersion: undefined, cniVersions: ["0.4.0"] }).cniVersion, "0.4.0");
});

const WRONG: readonly (readonly [unknown, string])[] = [
  [{ ...good, cniVersion: "0.2.0" }, 'cniVersion: "0.2.0": peapod speaks 0.3.0 to 1.1.0'],
  [{ ...good, name: undefined }, "name: is missing"],
  [{ ...good, plugins: {} }, "plugins: is not a list with at least one plugin"],
  [{ ...good, plugins: [{ type: "a/b" }] }, 'plugins[0].type: "a/b" is not a plugin\'s name'],
  [{ ...good, plugins: [{ type: "a", ipam: "b" }] }, "plugins[0].ipam: is not an object"],
  [{ ...good, plugins: [{ type: "a", ipam: { x: 1 } }] }, "plugins[0].ipam.type: is missing"],
  [
    { ...good, plugins: [{ type: "a", capabilities: { mac: 1 } }] },
    "plugins[0].capabilities: is not an object of names with true or false",
  ],
  [{ ...good, disableGC: 1 }, "disableGC: 1 is not true or false"],
  [7, ": is not a JSON object"],
];
for (const [list, fault] of WRONG) {
  t.test(`${JSON.stringify(list)} is refused`, async (t) => {
    const told = (error: unknown) => (error as { detail: { path: string; message: string }[] }).detail;
    try {
      parse(list);
      t.fail("it was taken");
    } catch (error) {
      t.same(
        told(error).map(({ path, message }) => `${path}: ${message}`),
        [fault],
      );
    }
  });
}

t.test("places are those of the values; where it is no JSON, where it stops to be", async (t) => {
  const text = '{\n  "a": [1,\n    {"b": "c\\"]"}]\n}';
  const parsed = parsePlacedJson(text);
  if ("fault" in parsed) throw new Error(parsed.fault);
  t.same(parsed.placeOf("a[1].b"), { line: 3, column: 11 });
  t.same(parsed.placeOf("a[1].missing.deep"), { line: 3, column: 5 }, "the nearest above");
  t.same(parsed.placeOf("nothing"), { line: 1, column: 1 });
  for (const [wrong, column] of [
    ["[1 2]", 4],
    ['{"a" 1}', 6],
    ["[01]", 3],
    ["[] x", 4],
    ['{"a":1,}', 8],
  ] as const)
    t.match(parsePlacedJson(wrong), { fault: /is not JSON/, place: { line: 1, column } }, wrong);
});

t.test("whatever Node takes for JSON has places, and nothing else has", async () => {
  fc.assert(
    fc.property(fc.json(), (text) => !("fault" in parsePlacedJson(text))),
    { numRuns: 300, seed: 7 },
  );
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (text, at, more) => {
      const cut = text.slice(0, at % (text.length + 1)) + more;
      let isJson = true;
      try {
        JSON.parse(cut);
      } catch {
        isJson = false;
      }
      return isJson === !("fault" in parsePlacedJson(cut));
    }),
    { numRuns: 1000, seed: 7 },
  );
});
