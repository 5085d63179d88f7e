import t from "tap";
import type { PodDns } from "../../../src/manifest/manifest.ts";
import {
  makeResolvConf,
  parseResolvConf,
  type ResolvConfInput,
  upstreamFileOf,
} from "../../../src/plan/resolv-conf.ts";

const PLAIN: PodDns = { policy: "ClusterFirst", nameservers: [], searches: [], options: [] };
const HOST = "search corp.example\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions ndots:1 edns0\n";

function textOf(dns: Partial<PodDns>, more: Partial<ResolvConfInput> = {}): string {
  return makeResolvConf({ dns: { ...PLAIN, ...dns }, host: HOST, isHostNetwork: false, ...more }).text;
}

t.test("what resolv.conf(5) means is read, and what is no address passed over", async (t) => {
  const text = [
    "# nameserver 192.0.2.8",
    "; a comment",
    "domain first.example",
    "search a.example b.example # the last line of both counts",
    "nameserver\t192.0.2.1",
    "  nameserver 2001:db8::1 trailing",
    "nameserver dns.example",
    "nameserver",
    "nameserver 192.0.2.1",
    "sortlist 192.0.2.0/24",
    "options ndots:1 rotate",
    "options ndots:3",
  ].join("\r\n");
  t.same(parseResolvConf(text), {
    nameservers: ["192.0.2.1", "2001:db8::1"],
    searches: ["a.example", "b.example"],
    options: ["ndots:3", "rotate"],
  });
  t.same(parseResolvConf("search a\ndomain b c"), { nameservers: [], searches: ["b"], options: [] });
  t.same(parseResolvConf(""), { nameservers: [], searches: [], options: [] });
});

t.test("without a cluster every policy but None gives what the host asks", async (t) => {
  for (const policy of ["ClusterFirst", "ClusterFirstWithHostNet", "Default"] as const)
    t.equal(textOf({ policy }), HOST);
  t.equal(textOf({ policy: "None", nameservers: ["192.0.2.9"] }), "nameserver 192.0.2.9\n");
});

t.test("dnsConfig is added: servers and domains after, options in place of those of the same name", async (t) => {
  const dns = { nameservers: ["192.0.2.2", "2001:db8::1"], searches: ["b.example."], options: ["ndots:5", "rotate"] };
  t.equal(
    textOf(dns),
    "search corp.example b.example\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 2001:db8::1\n" +
      "options ndots:5 edns0 rotate\n",
  );
  t.notMatch(textOf({ nameservers: ["192.0.2.3", "192.0.2.4"] }), /192\.0\.2\.4/, "the fourth server counts no more");
});

t.test("what the caller says stands in place of all of its kind", async (t) => {
  const dns = { nameservers: ["192.0.2.9"], searches: ["b.example"], options: ["rotate"] };
  t.equal(
    textOf({ ...dns, instead: { nameservers: ["192.0.2.7"] } }),
    "search corp.example b.example\nnameserver 192.0.2.7\noptions ndots:1 edns0 rotate\n",
  );
  t.equal(
    textOf({ ...dns, instead: { searches: [], options: ["timeout:1"] } }),
    "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.9\noptions timeout:1\n",
  );
});

t.test("a server that only the host can reach is left out, as in podman", async (t) => {
  const unreachable = ["127.0.0.1", "127.1.2.3", "::1", "0:0::1", "::", "0.0.0.0", "::ffff:127.0.0.1", "fe80::1%eth0"];
  for (const address of unreachable) {
    const host = `nameserver ${address}\nnameserver 192.0.2.1\n`;
    t.equal(textOf({}, { host }), "nameserver 192.0.2.1\n", address);
    t.match(
      textOf({}, { host, isHostNetwork: true }),
      `nameserver ${address}\n`,
      "with the host's network it is there",
    );
  }
  for (const address of ["2001:db8::1", "fd00::53", "::2", "::ffff:192.0.2.1", "128.0.0.1", "fe80::1"])
    t.equal(textOf({}, { host: `nameserver ${address}\n` }), `nameserver ${address}\n`);
});

t.test("where no server is left there are Google's, as in podman, unless somebody names one", async (t) => {
  const host = "search corp.example\nnameserver 127.0.0.1\n";
  const google = "nameserver 8.8.8.8\nnameserver 8.8.4.4\n";
  t.equal(textOf({}, { host }), `search corp.example\n${google}`);
  t.equal(textOf({}, { host: "" }), google);
  t.equal(makeResolvConf({ dns: PLAIN, host, isHostNetwork: false }).isPublic, true);
  t.equal(textOf({ nameservers: ["192.0.2.9"] }, { host }), "search corp.example\nnameserver 192.0.2.9\n");
  t.equal(textOf({ instead: { nameservers: ["192.0.2.9"] } }, { host: "" }), "nameserver 192.0.2.9\n");
  t.equal(textOf({}, { host: "", isHostNetwork: true }), "", "the host's own resolver is there with its network");
});

t.test("a network's servers stand in place of the host's, its domains before them", async (t) => {
  const network = { nameservers: ["10.88.0.1"], domain: "ignored.pod", search: ["dns.pod"], options: ["ndots:2"] };
  t.equal(
    textOf({ nameservers: ["192.0.2.9"] }, { network }),
    "search dns.pod corp.example\nnameserver 10.88.0.1\nnameserver 192.0.2.9\noptions ndots:2 edns0\n",
  );
  t.equal(
    textOf({}, { network: { domain: "blue.pod" } }),
    `search blue.pod corp.example\n${HOST.replace(/^.*\n/, "")}`,
  );
  t.equal(textOf({}, { network: {} }), HOST);
  t.equal(textOf({}, { network: { nameservers: ["127.0.0.11"] } }).match(/127\.0\.0\.11/)?.[0], "127.0.0.11");
  t.equal(textOf({ policy: "None", nameservers: ["192.0.2.9"] }, { network }), "nameserver 192.0.2.9\n");
});

t.test("the limits of Kubernetes hold for domains: 32, 253 characters each, 2048 together", async (t) => {
  const domainsOf = (text: string) => (/^search (.*)$/m.exec(text)?.[1] ?? "").split(" ").filter((one) => one !== "");
  const many = Array.from({ length: 40 }, (_, index) => `d${index}.example`);
  t.same(domainsOf(textOf({ policy: "None", searches: many })), many.slice(0, 32));
  const long = Array.from({ length: 12 }, (_, index) => `${"x".repeat(199)}${String.fromCharCode(97 + index)}`);
  t.same(domainsOf(textOf({ policy: "None", searches: long })), long.slice(0, 10), "10 of 200 and 9 blanks");
  t.same(domainsOf(textOf({ policy: "None", searches: ["y".repeat(254), "a", "a.", "."] })), ["a", "."]);
});

t.test("resolvers on the host's loopback are known by their addresses, where nobody else is asked", async (t) => {
  const [resolved, networkManager] = ["/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf"];
  t.equal(upstreamFileOf("nameserver 127.0.0.53\noptions edns0 trust-ad\n"), resolved);
  t.equal(upstreamFileOf("nameserver 127.0.0.53\nnameserver 127.0.0.54\n"), resolved);
  t.equal(upstreamFileOf("# nameserver 127.0.0.53\nnameserver 127.0.0.1\n"), networkManager);
  t.equal(upstreamFileOf("nameserver 127.0.0.53\nnameserver 192.0.2.1\n"), undefined);
  t.equal(upstreamFileOf("nameserver ::1\n"), undefined);
  t.equal(upstreamFileOf(""), undefined);
});
