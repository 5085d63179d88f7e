import t from "tap";
import { DEFAULT_CAPABILITIES, KNOWN_CAPABILITIES } from "../../../src/plan/capabilities.ts";
import { aPlan, containerOf, type PlanWords, refusalOf } from "../../support/planning.ts";

/** containerd's default, to which ours must add nothing. */
const CONTAINERD = [...DEFAULT_CAPABILITIES, "AUDIT_WRITE", "MKNOD", "NET_RAW"];

function capabilitiesOf(securityContext: Record<string, unknown>, more: PlanWords = {}): string[] {
  const plan = aPlan({ containers: { web: { securityContext } } }, more);
  return containerOf(plan, "web").process.capabilities.map((name) => name.replace(/^CAP_/, ""));
}

t.test("the default is eleven, none of which containerd would not give", (t) => {
  t.strictSame(capabilitiesOf({}), [...DEFAULT_CAPABILITIES].sort());
  t.equal(DEFAULT_CAPABILITIES.length, 11);
  t.ok(DEFAULT_CAPABILITIES.every((name) => CONTAINERD.includes(name)));
  t.equal(new Set(KNOWN_CAPABILITIES).size, 41);
  t.end();
});

t.test("add and drop, and ALL in either", (t) => {
  const sorted = [...DEFAULT_CAPABILITIES].sort();
  const rows: [{ add?: string[]; drop?: string[] }, string[]][] = [
    [{ add: ["NET_RAW"] }, [...sorted, "NET_RAW"].sort()],
    [{ drop: ["KILL", "CHOWN"] }, sorted.filter((name) => name !== "KILL" && name !== "CHOWN")],
    [{ drop: ["ALL"] }, []],
    [{ add: ["NET_RAW"], drop: ["ALL"] }, ["NET_RAW"]],
    [{ add: ["ALL"] }, [...KNOWN_CAPABILITIES].sort()],
    [{ add: ["ALL"], drop: ["SYS_ADMIN"] }, [...KNOWN_CAPABILITIES].filter((name) => name !== "SYS_ADMIN").sort()],
    [{ drop: ["NET_ADMIN"] }, sorted],
  ];
  for (const [capabilities, expected] of rows)
    t.strictSame(capabilitiesOf({ capabilities }), expected, JSON.stringify(capabilities));
  t.end();
});

t.test("privileged has all that we hold, and no more", (t) => {
  t.strictSame(capabilitiesOf({ privileged: true }), [...KNOWN_CAPABILITIES].sort());
  t.strictSame(capabilitiesOf({ privileged: true }, { facts: { capabilities: ["CHOWN", "SYS_ADMIN"] } }), [
    "CHOWN",
    "SYS_ADMIN",
  ]);
  t.end();
});

t.test("nobody hands on what he lacks", (t) => {
  const poor = { facts: { capabilities: ["CHOWN", "KILL"] } };
  t.strictSame(capabilitiesOf({}, poor), ["CHOWN", "KILL"]);
  const words = (add: string) => ({ containers: { web: { securityContext: { capabilities: { add: [add] } } } } });
  t.match(
    refusalOf(words("NET_RAW"), poor),
    /^NOT_PERMITTED container web: capability NET_RAW is not ours to give \(pod.yaml:\d+ .*add\[0\]\)/,
  );
  t.match(refusalOf(words("NETRAW")), /^BAD_MANIFEST .*NETRAW/);
  t.end();
});
