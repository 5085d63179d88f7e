import t from "tap";
import { makeSaidNames } from "../../../../src/doors/cli/name-options.ts";
import { makeOptions, type RawOptions } from "../../../../src/doors/cli/options.ts";
import { MAKING } from "../../../../src/doors/cli/verbs/making.ts";

const RUN = MAKING.find(({ name }) => name === "run")?.options ?? [];

const saidBy = (raw: RawOptions) => makeSaidNames(makeOptions(RUN, raw, {}));

t.test("nothing is said where nothing is", async (t) => {
  t.equal(saidBy({}), undefined);
});

t.test("podman's words are understood", async (t) => {
  const said = saidBy({
    hostname: "web.example",
    "add-host": ["db:192.0.2.7", "A;b.example:2001:db8::7", "c:[::1]"],
    dns: ["192.0.2.1", "2001:db8::1"],
    "dns-search": ["a.example", "_tcp.example."],
    "dns-option": ["ndots:2", "rotate"],
  });
  t.same(said, {
    hostname: "web.example",
    hosts: [
      { ip: "192.0.2.7", hostnames: ["db"] },
      { ip: "2001:db8::7", hostnames: ["a", "b.example"] },
      { ip: "::1", hostnames: ["c"] },
    ],
    dns: {
      nameservers: ["192.0.2.1", "2001:db8::1"],
      searches: ["a.example", "_tcp.example."],
      options: ["ndots:2", "rotate"],
    },
  });
  t.same(saidBy({ "dns-search": ["."] }), { dns: { searches: [] } }, "none at all");
});

t.test("what is none of them is refused by its option's name", async (t) => {
  const table: [RawOptions, RegExp][] = [
    [{ hostname: "Web_1" }, /^option --hostname: "Web_1" is not a host name/],
    [{ hostname: "a".repeat(65) }, /^option --hostname: /],
    [{ "add-host": ["db"] }, /^option --add-host: "db" is not HOST:IP/],
    [{ "add-host": [":192.0.2.1"] }, /is not HOST:IP/],
    [{ "add-host": ["a b:192.0.2.1"] }, /is not HOST:IP/],
    [{ "add-host": ["a;:192.0.2.1"] }, /is not HOST:IP/],
    [{ "add-host": ["db:192.0.2"] }, /^option --add-host: "192\.0\.2" is not an address/],
    [{ "add-host": ["db:host-gateway"] }, /host-gateway/],
    [{ "add-host": ["db:192.0.2.1\n::1 evil"] }, /is not an address/],
    [{ dns: ["none"] }, /^option --dns: "none" is not an address/],
    [{ dns: ["fe80::1%eth0"] }, /is not an address/],
    [{ dns: ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"] }, /^option --dns: resolvers ask 3 servers, not 4/],
    [{ "dns-search": [".", "a"] }, /^option --dns-search: "\." means no domain/],
    [{ "dns-search": ["a b"] }, /is not a domain/],
    [{ "dns-search": Array.from({ length: 33 }, (_, index) => `d${index}`) }, /more than 32 domains/],
    [{ "dns-option": ["ndots:2 nameserver"] }, /^option --dns-option: /],
    [{ "dns-option": [":2"] }, /is not an option of resolv\.conf/],
  ];
  for (const [raw, message] of table) t.throws(() => saidBy(raw), { code: "BAD_USAGE", message }, message.source);
});
