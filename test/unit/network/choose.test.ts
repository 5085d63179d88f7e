import t from "tap";
import { chooseNetworks, forBundle } from "../../../src/network/choose.ts";

const none = { hostNetwork: false };
const annotation = (text: string) => ({ text, place: "pod.yaml:5 metadata.annotations" });

t.test("the option wins over the manifest, that over the environment", async (t) => {
  t.same(chooseNetworks(none), { mode: "default" });
  t.match(chooseNetworks({ ...none, environment: "host" }), { mode: "host" });
  t.match(chooseNetworks({ ...none, environment: "host", annotation: annotation("none") }), { mode: "none" });
  t.match(chooseNetworks({ ...none, option: ["netns:/run/x"], annotation: annotation("none") }), {
    mode: "path",
    file: "/run/x",
  });
  t.match(chooseNetworks({ hostNetwork: true, environment: "none" }), { mode: "host" });
});

t.test("several networks, with options in podman's words", async (t) => {
  const { words } = chooseNetworks({
    ...none,
    annotation: annotation("blue, green:ip=10.1.0.5,mac=02:00:00:00:00:01,interface_name=eth7"),
  }) as {
    words: unknown;
  };
  t.same(words, [
    { name: "blue", ips: [], aliases: [] },
    { name: "green", ips: ["10.1.0.5"], aliases: [], mac: "02:00:00:00:00:01", interface: "eth7" },
  ]);
  const { words: more } = chooseNetworks({ ...none, option: ["a,b", "c:ip=fd00::1,ip=10.0.0.1/24"] }) as {
    words: readonly { name: string; ips: readonly string[] }[];
  };
  t.same(more[2]?.ips, ["fd00::1", "10.0.0.1/24"]);
  t.same(
    more.map(({ name }) => name),
    ["a", "b", "c"],
  );
});

const WRONG: readonly (readonly [Parameters<typeof chooseNetworks>[0], RegExp])[] = [
  [{ ...none, option: ["none", "blue"] }, /^option --network: none stands alone$/],
  [{ ...none, option: [""] }, /^option --network: "" is not a network's name$/],
  [{ ...none, option: ["-x"] }, /"-x" is not a network's name/],
  [{ ...none, option: ["blue:ip6=10.0.0.1"] }, /10\.0\.0\.1 is not an address/],
  [{ ...none, option: ["blue:ip=10.0.0.1/33"] }, /10\.0\.0\.1\/33 is not an address/],
  [{ ...none, option: ["blue:ip=10.0.0.1/"] }, /10\.0\.0\.1\/ is not an address/],
  [{ ...none, option: ["blue:mac=1"] }, /1 is not a MAC address/],
  [{ ...none, option: ["blue:interface_name=lo"] }, /lo is not a name for an interface/],
  [{ ...none, option: ["a:interface_name=x,b:interface_name=x"] }, /interface x is given twice/],
  [{ ...none, environment: "netns:" }, /^environment PEAPOD_NETWORK: netns:: nothing is not an absolute path$/],
  [{ hostNetwork: true, option: ["blue"] }, /the manifest says hostNetwork: true/],
  [
    { hostNetwork: true, annotation: annotation("none") },
    /^annotation peapod\/networks \(pod\.yaml:5.*the manifest says hostNetwork/,
  ],
];
for (const [said, message] of WRONG) {
  t.test(`${JSON.stringify(said)} is refused`, async (t) => {
    t.throws(() => chooseNetworks(said), { message });
  });
}

t.test("a bundle is attached to nothing, and says so where it was asked to be", async (t) => {
  t.same(forBundle({ mode: "default" }), { mode: "none" });
  t.same(forBundle(chooseNetworks({ ...none, annotation: annotation("blue") })), { mode: "none" });
  t.match(forBundle(chooseNetworks({ ...none, option: ["host"] })), { mode: "host" });
  t.throws(() => forBundle(chooseNetworks({ ...none, option: ["blue"] })), { code: "BAD_USAGE" });
});
