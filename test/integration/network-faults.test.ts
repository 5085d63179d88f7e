// Promise: whatever a network's configuration or its plugins do, the user reads one clear error, and nothing is left: what
// had been given away until then is given back by DEL of the whole chain.

import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { killIfThere } from "../support/if-any.ts";
import { readAddresses, testWithNetworks } from "../support/networks.ts";
import { supervisorOf } from "../support/own-processes.ts";
import { patient } from "../support/slowness.ts";

t.setTimeout(600_000);

/** Answers as a plugin that brings an interface, without one. */
const FINE = `tell "$CNI_COMMAND NAME"
[ "$CNI_COMMAND" = ADD ] && printf '{"cniVersion":"1.0.0","interfaces":[{"name":"%s","sandbox":"%s"}],"ips":[{"address":"10.9.9.9/24","interface":0}]}' "$CNI_IFNAME" "$CNI_NETNS"
exit 0
`;
const fine = (name: string) => FINE.replace("NAME", name);
const list = (...types: readonly string[]) => ({
  cniVersion: "1.0.0",
  name: "odd",
  plugins: types.map((type) => ({ type })),
});

const LISTS: readonly (readonly [string, string | object, RegExp])[] = [
  [
    "that is no JSON",
    '{\n "name": "odd",\n "plugins": [,]\n}',
    /10-odd\.conflist:3:14: is not JSON: a value is missing/,
  ],
  ["that is cut off", '{"cniVersion": "1.0.0",', /10-odd\.conflist:1:24: is not JSON: a name in quotes is missing/],
  ["that is a list", "[]", /10-odd\.conflist:1:1: is not a JSON object/],
  [
    "with several faults",
    {
      cniVersion: "9.0.0",
      name: "o/dd",
      plugins: [{ type: "../sh" }, 7, { type: "bridge", ipam: {}, capabilities: [] }],
    },
    new RegExp(
      [
        '\\S+10-odd.conflist:3:11 name: "o/dd" is not a name: letters, digits, _ . and - \\(and 4 more faults\\)',
        '\\S+10-odd.conflist:2:17: cniVersion: "9.0.0": peapod speaks 0.3.0 to 1.1.0',
        '\\S+10-odd.conflist:6:15: plugins\\[0\\].type: "../sh" is not a plugin\'s name',
        "\\S+10-odd.conflist:8:5: plugins\\[1\\]: is not an object",
        "\\S+10-odd.conflist:12:23: plugins\\[2\\].capabilities: is not an object of names with true or false",
      ].join("\n"),
    ),
  ],
  [
    "without plugins",
    { cniVersion: "1.0.0", name: "odd", plugins: [] },
    /plugins: is not a list with at least one plugin/,
  ],
  ["whose plugin is missing", list("fine", "nosuch"), /network odd: plugin nosuch is not in .*plugins:/],
];
for (const [what, content, message] of LISTS) {
  testWithNetworks(
    `a list ${what}`,
    async (t, host, networks) => {
      networks.plugin("fine", fine("fine"));
      networks.list("10-odd.conflist", content);
      const pod = host.aPod();
      const { code, err } = await host.peapod("run", "-d", pod.file);
      t.equal(code, 125);
      t.match(err, message);
      t.same(networks.told(), [], "no plugin was run");
    },
    { needs: "nothing" },
  );
}

const PLUGINS: readonly (readonly [string, string, RegExp])[] = [
  [
    "fails in its own words",
    `[ "$CNI_COMMAND" = ADD ] || exit 0
     printf '{"cniVersion":"1.0.0","code":7,"msg":"no cable","details":"look behind the cupboard"}'; exit 1`,
    /network odd: last: "no cable" \(look behind the cupboard\)/,
  ],
  [
    "fails without a word",
    '[ "$CNI_COMMAND" = ADD ] || exit 0; exit 3',
    /network odd: plugin last: ended ADD with 3, and said nothing/,
  ],
  [
    "fails on stderr",
    '[ "$CNI_COMMAND" = ADD ] || exit 0; echo "panic: oh no" >&2; exit 2',
    /network odd: plugin last: ended ADD with 2, but "panic: oh no"/,
  ],
  ["crashes", '[ "$CNI_COMMAND" = ADD ] || exit 0; kill -SEGV $$', /network odd: plugin last: was ended by SIGSEGV/],
  [
    "prints nonsense",
    '[ "$CNI_COMMAND" = ADD ] || exit 0; echo Hello; echo there',
    /network odd: plugin last: printed no result, but "Hello"/,
  ],
  ["prints nothing", "exit 0", /network odd: plugin last: printed no result, and said nothing/],
  [
    "gives no address",
    `[ "$CNI_COMMAND" = ADD ] || exit 0; echo '{"cniVersion":"1.0.0","ips":[{"address":"ten"}]}'`,
    /network odd: plugin last: its result has \{"address":"ten"\} for an address/,
  ],
  [
    "hangs, with a child",
    '[ "$CNI_COMMAND" = ADD ] || exit 0; sleep 1000 & tell $!; sleep 1000',
    /network odd: plugin last: did not end ADD within 2 s, and was killed/,
  ],
];
for (const [what, script, message] of PLUGINS) {
  testWithNetworks(
    `the third plugin of a chain ${what}: one error, and DEL of all three`,
    async (t, host, networks) => {
      networks.plugin("one", fine("one"));
      networks.plugin("two", fine("two"));
      networks.plugin("last", `[ "$CNI_COMMAND" = DEL ] && tell "DEL last"\n${script}`);
      networks.list("10-odd.conflist", list("one", "two", "last"));
      const pod = host.aPod();
      const { code, err } = await host.peapod("run", "-d", pod.file);
      t.equal(code, 125);
      t.match(err, message);
      const told = networks.told().filter((line) => !/^\d+$/.test(line));
      t.same(told, ["ADD one", "ADD two", "DEL last", "DEL two", "DEL one"]);
      for (const pid of networks.told().filter((line) => /^\d+$/.test(line)))
        t.notOk(existsSync(`/proc/${pid}`), "what it had started is gone as well");
      t.equal((await host.peapod("state", pod.name)).code, 125, "there is no pod");
    },
    { needs: "nothing", env: { PEAPOD_CNI_TIMEOUT: "2" } },
  );
}

testWithNetworks("real plugins before one that fails give back what they gave", async (t, host, networks) => {
  networks.plugin("broken", '[ "$CNI_COMMAND" = ADD ] || exit 0; exit 1');
  const plugins = [networks.bridge(), { type: "firewall" }, { type: "broken" }];
  networks.list("10-odd.conflist", { cniVersion: "1.0.0", name: "odd", plugins });
  const pod = host.aPod();
  t.match(await host.peapod("run", "-d", pod.file), { code: 125, err: /plugin broken: ended ADD with 1/ });
  t.same(readAddresses(networks), []);
});

testWithNetworks(
  "a plugin that asks for another try gets it",
  async (t, host, networks) => {
    const marker = join(networks.dir, "tried");
    networks.plugin(
      "shy",
      `if [ "$CNI_COMMAND" = ADD ] && [ ! -e ${marker} ]; then touch ${marker}; echo '{"code":11,"msg":"later"}'; exit 1; fi\n${fine("shy")}`,
    );
    networks.list("10-odd.conflist", list("shy"));
    const pod = host.aPod();
    await host.must("run", "-d", pod.file);
    t.same(networks.told(), ["DEL shy", "ADD shy"]);
  },
  { needs: "nothing" },
);

testWithNetworks(
  "an address that the network does not give is an error, not another address",
  async (t, host, networks) => {
    networks.plugin("fine", fine("fine"));
    networks.list("10-odd.conflist", list("fine"));
    const pod = host.aPod();
    t.match(await host.peapod("run", "-d", "--network", "odd:ip=10.9.9.8", pod.file), {
      code: 125,
      err: /network odd: gave the address 10\.9\.9\.9 where 10\.9\.9\.8 was asked for/,
    });
    t.same(networks.told(), ["ADD fine", "DEL fine"]);
  },
  { needs: "nothing" },
);

testWithNetworks(
  "a plugin that cannot DEL keeps a pod until it is forced; doctor asks it again",
  async (t, host, networks) => {
    const broken = join(networks.dir, "broken");
    networks.plugin(
      "fine",
      `[ "$CNI_COMMAND" = DEL ] && [ -e ${broken} ] && { echo '{"code":5,"msg":"stuck"}'; exit 1; }\n${fine("fine")}`,
    );
    networks.plugin("first", fine("first"));
    networks.list("10-odd.conflist", list("first", "fine"));
    const pod = host.aPod({ containers: [{ name: "c1", run: "exit 0" }] });
    await host.must("run", "-d", pod.file);
    await host.must("wait", pod.name);
    networks.mark("broken");
    const isKept = { code: 125, err: /network odd: fine: "stuck"/ };
    t.match(await host.peapod("delete", pod.name), isKept);
    killIfThere(supervisorOf(host, pod));
    t.match(await host.peapod("delete", pod.name), isKept, "the next supervisor keeps it as well");
    await host.must("delete", "--force", pod.name);
    t.match(await host.peapod("doctor"), {
      code: 1,
      out: /attachment .*network odd, eth0, deleting: network odd: fine: "stuck"/,
    });
    t.match(await host.peapod("doctor", "--fix"), { code: 1, err: /network odd: fine: "stuck"/ });
    networks.unmark("broken");
    const again = host.aPod({ name: pod.name });
    await host.must("run", "-d", again.file);
    t.match(await host.peapod("doctor", "--fix"), { code: 0, out: /removed: network odd/ });
    t.match(networks.told().slice(-2), ["DEL fine", "DEL first"]);
    t.equal((await host.shown(again)).podIP, "10.9.9.9", "the later pod of that name was left alone");
    t.match(await host.must("doctor"), /attachment .*network odd, eth0, added/);
  },
  { needs: "nothing" },
);

testWithNetworks(
  "hung DEL: the pod goes by force, in time",
  async (t, host, networks) => {
    networks.plugin(
      "slow",
      `[ "$CNI_COMMAND" = DEL ] && [ ! -e ${join(networks.dir, "mended")} ] && exec sleep 1000\n${fine("slow")}`,
    );
    networks.list("10-odd.conflist", list("slow"));
    const pod = host.aPod();
    await host.must("run", "-d", pod.file);
    const since = Date.now();
    await host.must("delete", "--force", pod.name);
    t.ok(Date.now() - since < patient(15_000), "no later than the deadline");
    networks.mark("mended");
    await host.must("doctor", "--fix");
  },
  { needs: "nothing", env: { PEAPOD_CNI_TIMEOUT: "1" } },
);
