import t from "tap";
import type { HostFacts, UserFacts } from "../../../src/host/facts.ts";
import {
  makePastaArgs,
  makeSlirpArgs,
  makeSlirpRequests,
  makeUplink,
  makeUplinkResolvConf,
  type PlannedUplink,
  type UplinkInput,
} from "../../../src/plan/uplink.ts";

const BOTH = { pasta: "/usr/bin/pasta", slirp4netns: "/usr/bin/slirp4netns" };

function choose(user: Partial<UserFacts> | undefined, more: Partial<UplinkInput> = {}) {
  const facts = user && { user: { uid: 1, uids: 65_537, gids: 65_537, hasTun: true, uplinks: BOTH, ...user } };
  return makeUplink({
    wanted: "",
    facts: (facts ?? {}) as HostFacts,
    pinned: [{ kind: "net", owner: "pod", file: "/r/pods/shop/ns/pod-net", from: "new" }],
    ports: [],
    podDir: "/r/pods/shop",
    resolvConf: "nameserver 10.1.1.1\n",
    ...more,
  });
}

t.test("pasta goes before slirp4netns, and who names one gets that", async (t) => {
  t.match(choose({}).uplink, { kind: "pasta", program: "/usr/bin/pasta", netns: "/r/pods/shop/ns/pod-net" });
  t.equal(choose({ uplinks: { slirp4netns: "/s" } }).uplink?.kind, "slirp4netns");
  t.equal(choose({}, { wanted: "slirp4netns" }).uplink?.kind, "slirp4netns");
});

t.test("root's pods have none, nor those without a network namespace of their own, nor who wants none", async (t) => {
  t.same(choose(undefined), {});
  t.same(choose({}, { pinned: [] }), {});
  t.same(choose({}, { wanted: "none" }), {});
});

t.test("what is missing is a note unless it was named", async (t) => {
  t.match(choose({ uplinks: {} }).why, "neither pasta nor slirp4netns is installed");
  t.match(choose({ hasTun: false }).why, "/dev/net/tun cannot be opened by you");
  t.throws(() => choose({ uplinks: {} }, { wanted: "pasta" }), {
    code: "HOST_LACKS",
    message: "network pasta: pasta is not installed",
  });
  t.throws(() => choose({ hasTun: false }, { wanted: "pasta" }), { code: "HOST_LACKS" });
  t.throws(() => choose({}, { wanted: "blue" }), {
    code: "NOT_SUPPORTED",
    message: /^network blue: is for root's pods/,
  });
});

const PORTS = [
  { hostPort: 8080, containerPort: 80, protocol: "tcp" },
  { hostPort: 8081, containerPort: 81, protocol: "tcp", hostIP: "127.0.0.1" },
  { hostPort: 5353, containerPort: 53, protocol: "udp" },
] as const;

t.test("ports are forwarded in each program's own words", async (t) => {
  const uplink: PlannedUplink = { kind: "pasta", program: "/p", netns: "/n", dir: "/d", ports: PORTS };
  t.match(
    makePastaArgs(uplink).join(" "),
    "-t 8080:80 -t 127.0.0.1/8081:81 -u 5353:53 -T none -U none --pid /d/pid --netns /n",
  );
  t.match(makePastaArgs({ ...uplink, ports: [] }).join(" "), "-t none -u none");
  t.equal(makeSlirpArgs(uplink).at(-2), "/n");
  t.same(makeSlirpRequests(uplink)[1], {
    execute: "add_hostfwd",
    arguments: { proto: "tcp", host_addr: "127.0.0.1", host_port: 8081, guest_addr: "10.0.2.100", guest_port: 81 },
  });
});

t.test("ports that a user cannot have are refused", async (t) => {
  const low = [{ hostPort: 80, containerPort: 80, protocol: "tcp" }] as const;
  t.throws(() => choose({}, { ports: low }), {
    code: "NOT_PERMITTED",
    message: "port 80/tcp: ports below 1024 are for root alone",
  });
  t.ok(choose({ firstPort: 80 }, { ports: low }).uplink);
  const sctp = [{ hostPort: 8080, containerPort: 80, protocol: "sctp" }] as const;
  t.throws(() => choose({}, { ports: sctp }), { code: "NOT_SUPPORTED" });
});

t.test("a name server that the pod cannot reach is replaced by the program's", async (t) => {
  const conf = "search example\nnameserver 127.0.0.53\noptions edns0\n";
  const local = choose({}, { resolvConf: conf }).uplink;
  t.match(makePastaArgs(local!).join(" "), "--dns-forward 169.254.1.1");
  t.equal(makeUplinkResolvConf(conf, local), "nameserver 169.254.1.1\nsearch example\noptions edns0\n");
  t.equal(choose({}).uplink?.nameserver, undefined);
  t.equal(makeUplinkResolvConf(conf, undefined), conf);
  t.equal(choose({}, { wanted: "slirp4netns" }).uplink?.nameserver, "10.0.2.3");
});
