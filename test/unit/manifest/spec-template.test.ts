import t from "tap";
import { makeSpec } from "../../../src/manifest/spec-template.ts";
import { faultLinesOf, parse } from "./a-pod.ts";

t.test("the template parses without faults and holds two containers", async (t) => {
  t.strictSame(faultLinesOf(makeSpec()), []);
  t.strictSame(
    parse(makeSpec()).spec.containers.map(({ name }) => name),
    ["server", "client"],
  );
});

t.test("what the template has commented out parses too", async (t) => {
  const all = makeSpec().replace(
    /^( *)# (?=( *)(annotations:|peapod\/|hostname:|shareProcess|- name: config|hostPath:|path: \/etc|type: Dir))/gm,
    "$1",
  );
  const { metadata, spec } = parse(all);
  t.strictSame(Object.keys(metadata.annotations), ["peapod/share", "peapod/namespaces.client"]);
  t.equal(spec.shareProcessNamespace, true);
  t.strictSame(
    spec.volumes.map(({ name }) => name),
    ["site", "config"],
  );
});
