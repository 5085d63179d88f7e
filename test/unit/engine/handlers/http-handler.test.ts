import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createSecure } from "node:https";
import { join } from "node:path";
import t from "tap";
import { runHandler } from "../../../../src/engine/handlers/run-handler.ts";
import type { Handler } from "../../../../src/manifest/probe.ts";
import { aTempDir } from "../../../support/temp-dir.ts";
import { aServer, aTarget, listen, nothingLeft, openSockets } from "./fixtures.ts";

const target = aTarget(t);
const get = (port: number, more: object = {}): Handler => ({
  kind: "httpGet",
  scheme: "HTTP",
  host: "localhost",
  port,
  path: "/",
  headers: [],
  ...more,
});
const probe = (handler: Handler, timeoutMs = 5000, isHook = false) =>
  runHandler(target, handler, { timeoutMs, isHook });

for (const [status, ok] of [
  [199, false],
  [200, true],
  [204, true],
  [304, true],
  [399, true],
  [400, false],
  [404, false],
  [503, false],
] as const) {
  t.test(`HTTP ${status} is ${ok ? "a success" : "a failure"}`, async (t) => {
    const port = await aServer(t, (socket) => {
      socket.end(`HTTP/1.1 ${status} So\r\nContent-Length: 0\r\n\r\n`);
    });
    const outcome = await probe(get(port), 1000);
    t.equal(outcome.ok, ok);
    // 1xx only announce an answer, and none follows here.
    if (!ok && status > 199) t.equal(outcome.message, `HTTP ${status}`);
  });
}

t.test("the request says who asks, and what the manifest says in place of it", async (t) => {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    response.end("fine");
  });
  const port = await listen(t, server);
  t.same(await probe(get(port, { path: "/a//../b?c=d#e" })), { ok: true, message: "" });
  const [first] = seen;
  t.equal(first?.url, "/a//../b?c=d");
  t.match(first?.headers, {
    host: `localhost:${port}`,
    "user-agent": "peapod-probe",
    accept: "*/*",
    connection: "close",
  });
  const headers = [
    { name: "Host", value: "shop.example" },
    { name: "X-A", value: "1" },
    { name: "X-A", value: "2" },
    { name: "user-agent", value: "me" },
    { name: "Accept", value: "" },
  ];
  await probe(get(port, { headers, path: "/ü ".trim(), host: "127.0.0.1" }));
  t.equal(seen[1]?.url, "/%C3%BC");
  t.match(seen[1]?.headers, { host: "shop.example", "user-agent": "me", "x-a": "1, 2" });
  t.equal(seen[1]?.headers.accept, undefined);
  await probe(get(port, { headers: [{ name: "host", value: "" }], host: "127.0.0.1" }));
  t.equal(seen[2]?.headers.host, `127.0.0.1:${port}`);
});

t.test("redirects are followed on the same host only, and not for ever", async (t) => {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? "";
    paths.push(`${request.headers.host} ${url}`);
    const to: Record<string, string> = {
      "/go": "/there",
      "/away": "http://elsewhere.example/",
      "/round": "/round",
      "/file": "file:///etc/passwd",
      "/bad": "http://[",
    };
    const location = to[url];
    if (location === undefined) response.end();
    else response.writeHead(302, { location }).end("x".repeat(100_000));
  });
  const port = await listen(t, server);
  const headers = [{ name: "Host", value: "shop.example" }];
  t.same(await probe(get(port, { path: "/go", headers })), { ok: true, message: "" });
  t.same(paths, ["shop.example /go", "shop.example /there"]);
  t.same(await probe(get(port, { path: "/away" })), {
    ok: true,
    message: "HTTP 302 to another host, elsewhere.example",
  });
  t.same(await probe(get(port, { path: "/round" })), { ok: false, message: "more than 10 redirects" });
  t.same(await probe(get(port, { path: "/file" })), { ok: true, message: "HTTP 302 to another host, " });
  t.same(await probe(get(port, { path: "/bad" })), { ok: false, message: "HTTP 302 to nowhere" });
});

t.test("HTTPS is spoken with whatever certificate the server has", async (t) => {
  const dir = aTempDir(t);
  const [key, cert] = [join(dir, "key"), join(dir, "cert")];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", key, "-out", cert, "-days", "1"],
      ...["-subj", "/CN=nobody.example"],
    ],
    { stdio: "ignore" },
  );
  // Keys of that size are long out of fashion, too.
  const options = { key: readFileSync(key), cert: readFileSync(cert), ciphers: "DEFAULT:@SECLEVEL=0" };
  const port = await listen(
    t,
    createSecure(options, (_, response) => response.end("secret")),
  );
  t.same(await probe(get(port, { scheme: "HTTPS" })), { ok: true, message: "" });
  t.same(await probe(get(port, { scheme: "HTTPS", host: "127.0.0.1" })), { ok: true, message: "" });
  t.equal((await probe(get(port))).ok, false, "HTTP to a TLS server fails");
  const plain = await listen(
    t,
    createServer((_, response) => response.end("open")),
  );
  t.match(await probe(get(plain, { scheme: "HTTPS" })), { ok: false, message: "TLS: wrong version number" });
  t.same(await probe(get(plain, { scheme: "HTTPS" }), 5000, true), { ok: true, message: "" }, "a hook asks again");
});

t.test("for a hook every answer is a success", async (t) => {
  const port = await listen(
    t,
    createServer((_, response) => response.writeHead(500).end()),
  );
  t.same(await probe(get(port), 5000, true), { ok: true, message: "" });
});

t.test("only ten KiB of a body are read", async (t) => {
  let sent = 0;
  const port = await listen(
    t,
    createServer((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(65536))) sent += 65536;
      };
      response.on("drain", more).on("error", () => undefined);
      more();
    }),
  );
  t.same(await probe(get(port)), { ok: true, message: "" });
  t.ok(sent < 64 << 20);
});

const HOSTILE: Record<string, [(socket: import("node:net").Socket) => void, RegExp]> = {
  "says nothing": [() => undefined, /^no answer in 0.3 s$/],
  "closes at once": [(socket) => socket.end(), /^the connection closed without an answer$/],
  "resets the connection": [(socket) => socket.once("data", () => socket.resetAndDestroy()), /reset|without an answer/],
  "sends byte by byte": [
    (socket) => {
      const bytes = "HTTP/1.1 200 OK\r\nX: ".padEnd(100_000, "x");
      let at = 0;
      const timer = setInterval(() => socket.write(bytes.slice(at, ++at)), 5);
      socket.on("close", () => clearInterval(timer));
    },
    /^no answer in 0.3 s$/,
  ],
  "never ends its headers": [
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const more = () => {
        while (!socket.destroyed && socket.write(`X-${Math.random()}: ${"x".repeat(1000)}\r\n`));
      };
      socket.on("drain", more);
      more();
    },
    // On a busy machine the deadline comes first.
    /^(the answer's headers are too long|no answer in 0.3 s)$/,
  ],
  "never ends its body": [
    (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"),
    /^no answer in 0.3 s$/,
  ],
  "cuts its body off": [
    (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"),
    /^the answer was cut off$/,
  ],
  "speaks no HTTP": [(socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"), /^the answer is not HTTP$/],
  "sends a flood of zeros": [
    (socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65536)));
      };
      socket.on("drain", more);
      more();
    },
    /^the answer is not HTTP$/,
  ],
  "switches protocols": [
    (socket) => socket.write("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    /^HTTP 101$/,
  ],
};
for (const [what, [behave, message]] of Object.entries(HOSTILE)) {
  t.test(`a server that ${what} makes the probe fail in time, and leaves nothing`, async (t) => {
    const before = openSockets();
    const port = await aServer(t, behave);
    const began = Date.now();
    const outcome = await probe(get(port), 300);
    t.match(outcome, { ok: false, message });
    t.ok(Date.now() - began < 2500, `took ${Date.now() - began} ms`);
    // The server's own and its connection's.
    await nothingLeft(before + 2);
  });
  t.test(`a TLS server that ${what} makes the probe fail in time`, async (t) => {
    const port = await aServer(t, behave);
    const began = Date.now();
    t.equal((await probe(get(port, { scheme: "HTTPS" }), 300)).ok, false);
    t.ok(Date.now() - began < 2500, `took ${Date.now() - began} ms`);
  });
}

t.test("fifty failures side by side leave no socket and no helper", async () => {
  const before = openSockets();
  await Promise.all(Array.from({ length: 50 }, () => probe(get(1))));
  await nothingLeft(before);
});
