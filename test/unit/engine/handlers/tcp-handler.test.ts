import { readFileSync } from "node:fs";
import t from "tap";
import { runHandler } from "../../../../src/engine/handlers/run-handler.ts";
import { aServer, aTarget, nothingLeft, openSockets } from "./fixtures.ts";

const target = aTarget(t);
const connect = (port: number, host = "localhost", more: object = {}) =>
  runHandler({ ...target, ...more }, { kind: "tcpSocket", host, port }, { timeoutMs: 1000 });

t.test("a connection is a success, and nothing is said over it", async (t) => {
  const before = openSockets();
  let heard = 0;
  const port = await aServer(t, (socket) => socket.on("data", () => heard++));
  t.same(await connect(port), { ok: true, message: "" });
  t.same(await connect(port, "127.0.0.1"), { ok: true, message: "" });
  t.equal(heard, 0);
  await nothingLeft(before + 3);
});

const skip = /\blo$/m.test(readFileSync("/proc/net/if_inet6", "utf8")) ? false : "lo has no address of IPv6 here";

t.test("localhost is also the loopback address of version 6", { skip }, async (t) => {
  const port = await aServer(t, () => undefined, "::1");
  t.same(await connect(port), { ok: true, message: "" });
  t.same(await connect(port, "::1"), { ok: true, message: "" });
  t.same(await connect(port, "::1%lo"), { ok: true, message: "" });
});

t.test("what cannot be reached says why", async (t) => {
  t.same(await connect(1), { ok: false, message: "connection refused" });
  t.same(await connect(1, "::1"), { ok: false, message: "connection refused" });
});

t.test("a container that is gone is not mistaken for another process", async (t) => {
  t.same(await connect(1, "localhost", { startTime: 1 }), { ok: false, message: "its container is gone" });
  t.same(await connect(1, "localhost", { pid: 2 ** 22 + 1 }), { ok: false, message: "its container is gone" });
});

t.test("a helper that is not there makes the probe fail", async (t) => {
  t.match(await connect(1, "localhost", { program: "/nowhere/peapod-probe" }), { ok: false, message: /ENOENT/ });
});

t.test("one that is called off ends at once", async (t) => {
  const abort = new AbortController();
  const running = runHandler(
    target,
    // Of the range for documentation: packets to it go nowhere, or are refused on the way.
    { kind: "tcpSocket", host: "192.0.2.1", port: 9 },
    { timeoutMs: 60_000, signal: abort.signal },
  );
  abort.abort();
  t.match(await running, { ok: false, message: "was called off" });
  const already = await runHandler(target, { kind: "sleep", seconds: 60 }, { timeoutMs: 60_000, signal: abort.signal });
  t.same(already, { ok: false, message: "was called off" });
});

t.test("a sleep is a success when it is over, and a failure when its time is", async (t) => {
  t.same(await runHandler(target, { kind: "sleep", seconds: 0 }, { timeoutMs: 1000 }), { ok: true, message: "" });
  const cut = await runHandler(target, { kind: "sleep", seconds: 60 }, { timeoutMs: 50 });
  t.same(cut, { ok: false, message: "did not end in 0.05 s" });
});

t.test("a hook may take as long as it likes", async (t) => {
  const port = await aServer(t, () => undefined);
  const handler = { kind: "tcpSocket", host: "localhost", port } as const;
  for (const timeoutMs of [2 ** 31 - 1, 2 ** 40]) {
    t.same(await runHandler(target, handler, { timeoutMs }), { ok: true, message: "" });
    t.same(await runHandler(target, { kind: "exec", command: ["/bin/sleep", "0.1"] }, { timeoutMs }), {
      ok: true,
      message: "",
    });
  }
});
