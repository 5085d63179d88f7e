import t from "tap";
import { claimOf, mergePorts, overlaps, parseClaim, parsePublish } from "../../../src/network/ports.ts";

const bare = (text: string) => parsePublish(text).map(({ place: _, ...port }) => port);
const tcp = (hostPort: number, containerPort: number, hostIP?: string) => ({
  hostPort,
  containerPort,
  protocol: "tcp" as const,
  ...(hostIP === undefined ? {} : { hostIP }),
});

t.test("podman's words", async (t) => {
  t.same(bare("8080:80"), [tcp(8080, 80)]);
  t.same(bare("80"), [tcp(0, 80)]);
  t.same(bare(":80"), [tcp(0, 80)]);
  t.same(bare("127.0.0.1:8080:80"), [tcp(8080, 80, "127.0.0.1")]);
  t.same(bare("127.0.0.1::80"), [tcp(0, 80, "127.0.0.1")]);
  t.same(bare("[::1]:8080:80"), [tcp(8080, 80, "::1")]);
  t.same(bare("[0:0::1]:8080:80"), [tcp(8080, 80, "::1")], "one spelling for each address");
  t.same(bare("[::ffff:127.0.0.1]:8080:80"), [tcp(8080, 80, "127.0.0.1")]);
  t.same(bare("53:53/udp"), [{ ...tcp(53, 53), protocol: "udp" }]);
  t.same(bare("90-91:80-81"), [tcp(90, 80), tcp(91, 81)]);
  for (const wrong of [
    "",
    "a:b",
    "1:2:3:4",
    "80:",
    "-1:80",
    "90-89:80-81",
    "80:0",
    "1.2.3:80:80",
    "80/tcp/udp",
    "[fe80::1%eth0]:1:2",
  ])
    t.throws(() => parsePublish(wrong), { code: "BAD_USAGE" }, wrong);
});

t.test("the option replaces what the manifest says of a container's port", async (t) => {
  const said = { ...tcp(1, 80), place: "pod.yaml:3" };
  const kept = { ...tcp(2, 81), place: "pod.yaml:4" };
  t.same(
    mergePorts([said, kept], parsePublish("8080:80")).map(({ hostPort }) => hostPort),
    [2, 8080],
  );
  t.throws(() => mergePorts([said, { ...kept, hostPort: 1 }], []), {
    code: "BAD_MANIFEST",
    message: "port 1/tcp: is published twice (pod.yaml:3 and pod.yaml:4)",
  });
});

t.test("which ports stand in each other's way", async (t) => {
  t.ok(overlaps(tcp(1, 1), tcp(1, 2, "10.0.0.1")));
  t.ok(overlaps(tcp(1, 1, "0.0.0.0"), tcp(1, 2, "10.0.0.1")));
  t.notOk(overlaps(tcp(1, 1, "10.0.0.2"), tcp(1, 2, "10.0.0.1")));
  t.notOk(overlaps(tcp(1, 1, "0.0.0.0"), tcp(1, 2, "::1")));
  t.notOk(overlaps(tcp(1, 1), { ...tcp(1, 1), protocol: "udp" }));
});

t.test("a claim's file says which port it is", async (t) => {
  for (const port of [tcp(80, 0), tcp(80, 0, "::1"), tcp(8080, 0, "127.0.0.1")])
    t.same(parseClaim(claimOf(port).split("/").at(-1) ?? ""), port);
  t.equal(parseClaim("something else"), undefined);
});
