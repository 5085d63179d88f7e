// The control socket as docs/control-socket.md describes it: each of that document's curl lines is run here on a living
// pod, and what is answered is compared with the document.

import { execFile } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import type { PodName } from "../../src/base/names.ts";
import { makePodPaths } from "../../src/base/paths.ts";
import { httpStatusOf } from "../../src/engine/control/control-messages.ts";
import type { Event } from "../../src/state/event.ts";
import type { PodState } from "../../src/state/pod-state.ts";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { patient } from "../support/slowness.ts";
import { readTraces } from "../support/traces.ts";
import { waitUntil } from "../support/wait-until.ts";

const run = promisify(execFile);
const DOCUMENT = readFileSync(new URL("../../docs/control-socket.md", import.meta.url), "utf8");

interface Answered {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function socketOf(host: PeapodHost, pod: PodFile): string {
  return makePodPaths(host.root, pod.name as PodName).socket;
}

async function curl(socket: string, ...args: string[]): Promise<Answered> {
  const more = [
    "--silent",
    "--max-time",
    "30",
    "--write-out",
    "\n%{http_code} %{content_type}",
    "--unix-socket",
    socket,
  ];
  const { stdout } = await run("curl", [...more, ...args]);
  const at = stdout.lastIndexOf("\n");
  const [status = "", type = ""] = stdout.slice(at + 1).split(" ");
  return { status: Number(status), type, body: stdout.slice(0, at) };
}

/** Asks for one route of the pod. A body makes it a POST. */
async function ask(host: PeapodHost, pod: PodFile, path: string, body?: unknown, ...more: string[]): Promise<Answered> {
  const post = body === undefined ? [] : ["--data", typeof body === "string" ? body : JSON.stringify(body)];
  return await curl(socketOf(host, pod), ...post, ...more, `http://pod${path}`);
}

async function stateAfter(host: PeapodHost, pod: PodFile, verb: string, body: unknown = {}): Promise<PodState> {
  const { status, type, body: text } = await ask(host, pod, `/v1/pod/${verb}`, body);
  t.equal(status, 200, text);
  t.equal(type, "application/json");
  return (JSON.parse(text) as { state: PodState }).state;
}

testWithPeapod("the socket is its owner's alone", async (t, host) => {
  const pod = host.aPod();
  await host.must("run", "-d", pod.file);
  t.equal((statSync(socketOf(host, pod)).mode & 0o7777).toString(8), "600");
  t.equal((statSync(makePodPaths(host.root, pod.name as PodName).dir).mode & 0o7777).toString(8), "700");
});

testWithPeapod("what can be read of a pod is what the command line tells of it", async (t, host) => {
  const pod = host.aPod({ containers: 2 });
  await host.must("run", "-d", pod.file);
  const state = await ask(host, pod, "/v1/pod");
  t.match(state, { status: 200, type: "application/json" });
  // The sums are the command line's own, and where there is nothing the socket says nothing.
  const { containers, readyCount, readyTotal, restartCount, podIPs, networks, ...told } = JSON.parse(
    await host.must("state", pod.name),
  ) as PodState & Record<string, unknown>;
  t.same(
    { readyCount, readyTotal, restartCount, podIPs, networks },
    { readyCount: 2, readyTotal: 2, restartCount: 0, podIPs: [], networks: [] },
  );
  t.match(JSON.parse(state.body), {
    ...withoutNulls(told),
    containers: containers.map(({ name, pid }) => ({ name, pid })),
  });
  const plan = await ask(host, pod, "/v1/pod/plan");
  t.match(plan, { status: 200, type: "application/json" });
  t.same(JSON.parse(plan.body), JSON.parse(await host.must("inspect", pod.name)).plan);
});

function withoutNulls(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null));
}

function parseLines(text: string): Event[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Event);
}

testWithPeapod("events: all, since a cursor, and following until the pod is deleted", async (t, host) => {
  const pod = host.aPod();
  await host.must("run", "-d", pod.file);
  const all = await ask(host, pod, "/v1/pod/events");
  t.match(all, { status: 200, type: "application/x-ndjson" });
  const events = parseLines(all.body);
  t.equal(events.at(-1)?.type, "pod.started");
  t.same(parseLines((await ask(host, pod, "/v1/pod/events?since=3")).body), events.slice(3));
  t.equal((await ask(host, pod, `/v1/pod/events?since=${events.length}`)).body, "");
  const following = ask(host, pod, `/v1/pod/events?follow=true&since=${events.length}`);
  await stateAfter(host, pod, "stop");
  await stateAfter(host, pod, "delete");
  const followed = parseLines((await following).body);
  t.same(
    followed.map((event) => event.seq),
    followed.map((_, index) => events.length + 1 + index),
  );
  t.match(followed.at(-1), { type: "pod.deleted" });
});

testWithPeapod("a follower who goes away is no longer served, and one who comes is", async (t, host) => {
  const pod = host.aPod();
  await host.must("run", "-d", pod.file);
  const socket = connect(socketOf(host, pod));
  socket.write("GET /v1/pod/events?follow=true HTTP/1.1\r\nhost: pod\r\n\r\n");
  await new Promise((resolve) => socket.once("data", resolve));
  socket.destroy();
  t.equal((await stateAfter(host, pod, "pause")).status, "paused");
  t.equal((await stateAfter(host, pod, "resume")).status, "running");
});

testWithPeapod("every change of a pod's life can be asked for", async (t, host) => {
  const pod = host.aPod({ containers: 2 });
  await host.must("create", pod.file);
  t.equal((await stateAfter(host, pod, "start")).status, "running");
  t.equal((await stateAfter(host, pod, "pause")).status, "paused");
  t.equal((await stateAfter(host, pod, "resume")).status, "running");
  await stateAfter(host, pod, "kill", { signal: "SIGKILL", container: "c1" });
  await waitUntil("it has ended", async () => (await host.state(pod)).containers[0]?.status === "exited");
  const waiting = ask(host, pod, "/v1/pod/wait");
  t.match(await stateAfter(host, pod, "stop", { graceMs: 500 }), { status: "exited", exitStatus: 137 });
  const waited = await waiting;
  t.match(waited, { status: 200, type: "application/json" });
  t.match(JSON.parse(waited.body), { status: "exited", exitStatus: 137 });
  t.equal(await stateAfter(host, pod, "delete"), null);
  await waitUntil("nothing is left", () => readTraces(host.root).length === 0);
});

testWithPeapod("DELETE is delete", async (t, host) => {
  const pod = host.aPod();
  await host.must("run", "-d", pod.file);
  t.match(await ask(host, pod, "/v1/pod", undefined, "-X", "DELETE"), { status: 409, body: /WRONG_STATE/ });
  const gone = await ask(host, pod, "/v1/pod?force=true", undefined, "-X", "DELETE");
  t.match(gone, { status: 200, body: '{"state":null}\n' });
  await waitUntil("nothing is left", () => readTraces(host.root).length === 0);
});

testWithPeapod("the same request again does not act twice", async (t, host) => {
  const pod = host.aPod();
  await host.must("create", pod.file);
  const first = await stateAfter(host, pod, "start", { request: "start-1" });
  t.same(await stateAfter(host, pod, "start", { request: "start-1" }), first);
  t.match(await ask(host, pod, "/v1/pod/start", { request: "start-2" }), {
    status: 409,
    body: /cannot start, it is running/,
  });
});

testWithPeapod("exec runs a command and answers with all that it wrote", async (t, host) => {
  const pod = host.aPod({ containers: 2 });
  await host.must("run", "-d", pod.file);
  const exec = (body: unknown, container = "c1") => ask(host, pod, `/v1/containers/${container}/exec`, body);
  const args = ["sh", "-c", "echo $A; pwd; id -u; echo err >&2; exit 9"];
  const { status, body } = await exec({ args, env: ["A=b c"], cwd: "/etc", user: "12:13" });
  t.equal(status, 200, body);
  t.same(JSON.parse(body), { exitCode: 9, stdout: "b c\n/etc\n12\n", stderr: "err\n" });
  t.match(await exec({ args: ["no-such"] }), { status: 404, body: /NOT_FOUND/ });
  t.match(await exec({ args: ["true"] }, "nobody"), { status: 404, body: /no container nobody/ });
  t.match(await exec({ args: [] }), { status: 400, body: /BAD_USAGE/ });
  t.match(await exec({ args: ["true"], tty: true }), { status: 400, body: /BAD_USAGE/ });
});

testWithPeapod("what is asked wrongly is answered with a status and an error that says why", async (t, host) => {
  const pod = host.aPod();
  await host.must("run", "-d", pod.file);
  // Longer than a command line may be.
  const large = join(host.dir, "large");
  writeFileSync(large, "x".repeat(4_200_000));
  const wrong: [string, unknown, number, RegExp][] = [
    ["/v1/pod/stop", "{", 400, /"code":"BAD_USAGE","message":"body: is not JSON"/],
    ["/v1/pod/stop", "[]", 400, /BAD_USAGE/],
    ["/v1/pod/stop", "null", 400, /BAD_USAGE/],
    ["/v1/pod/stop", { graceMs: "soon" }, 400, /"message":"body\/graceMs: /],
    ["/v1/pod/stop", { graceMs: -1 }, 400, /"message":"body\/graceMs: /],
    ["/v1/pod/stop", { gracems: 1 }, 400, /gracems/],
    ["/v1/pod/kill", { signal: "NONSENSE" }, 400, /BAD_USAGE/],
    ["/v1/pod/kill", { container: "nobody" }, 404, /no container nobody/],
    ["/v1/pod/start", {}, 409, /WRONG_STATE/],
    ["/v1/pod/delete", {}, 409, /WRONG_STATE/],
    ["/v1/pod/stop", `@${large}`, 400, /body: is larger than 4194304 bytes/],
    ["/v1/pod/explode", {}, 404, /no such thing here/],
    ["/v1/pod", {}, 404, /POST \/v1\/pod: no such thing here/],
    ["/v2/pod", undefined, 404, /NOT_FOUND/],
    ["//v1/pod", undefined, 404, /NOT_FOUND/],
    ["/v1/pod/events?since=-1", undefined, 400, /since: must be a cursor/],
    ["/v1/pod/events?since=x", undefined, 400, /since: must be a cursor/],
  ];
  for (const [path, body, status, text] of wrong) {
    const answered = await ask(host, pod, path, body, "--path-as-is");
    const what = `${path} ${JSON.stringify(body)?.slice(0, 40)}`;
    t.equal(answered.status, status, what);
    t.equal(answered.type, "application/json", what);
    t.match(answered.body, text, what);
    const { error } = JSON.parse(answered.body);
    t.equal(httpStatusOf(error.code), status, `${what}: the status follows from the code`);
    t.notMatch(answered.body, /\.ts:|\.cjs:|\\n {4}at /, `${what}: no stack`);
  }
  t.equal((await host.state(pod)).status, "running", "nothing of it has done anything");
});

testWithPeapod("bytes that are no HTTP do no harm", async (t, host) => {
  const pod = host.aPod();
  await host.must("run", "-d", pod.file);
  for (const bytes of [
    "\0\0\0\0",
    "GET / HTTP/9.9\r\n\r\n",
    "POST /v1/pod/stop HTTP/1.1\r\ncontent-length: 10\r\n\r\n{",
  ]) {
    const socket = connect(socketOf(host, pod));
    socket.on("error", () => undefined);
    socket.end(bytes);
    await new Promise((resolve) => socket.once("close", resolve).resume());
  }
  t.match(await ask(host, pod, "/v1/pod"), { status: 200 });
  t.equal((await host.state(pod)).status, "running");
});

testWithPeapod("a sleeping supervisor is woken by whoever asks", async (t, host) => {
  const pod = host.aPod();
  await host.must("run", "-d", pod.file);
  const dir = makePodPaths(host.root, pod.name as PodName).dir;
  await waitUntil("it sleeps", () => statSync(join(dir, "asleep"), { throwIfNoEntry: false }) !== undefined);
  t.match(await ask(host, pod, "/v1/pod"), { status: 200, body: /"status":"running"/ });
  const events = parseLines((await ask(host, pod, "/v1/pod/events")).body);
  t.notOk(
    events.some((event) => event.type === "pod.recovered"),
    "sleep is not a crash",
  );
});

interface Example {
  readonly line: string;
  readonly answer: string;
}

/** Each block of the document: `$ curl …`, then what it answers; `…` stands for anything. */
function readExamples(): Example[] {
  return [...DOCUMENT.matchAll(/```console\n\$ (.*)\n([\s\S]*?)```/g)].map(([, line = "", answer = ""]) => ({
    line,
    answer,
  }));
}

testWithPeapod("every curl line of docs/control-socket.md answers as it says there", async (t, host) => {
  const pod = host.aPod({ name: "web", containers: [{ name: "server" }, { name: "client" }] });
  await host.must("create", pod.file);
  const examples = readExamples();
  for (const { line, answer } of examples) {
    const { stdout } = await run("sh", ["-c", line.replaceAll("/run/peapod", host.root)], { timeout: patient(60_000) });
    t.match(stdout, new RegExp(`^${answer.trimEnd().split("…").map(escapeForRegExp).join("[\\s\\S]*")}\n?$`), line);
  }
  t.ok(examples.length > 10, "there are many");
  await waitUntil("the last of them deleted the pod", () => readTraces(host.root).length === 0);
});

function escapeForRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

t.test("the document has a section for each route that the server knows, and no other", async (t) => {
  const source = readFileSync(new URL("../../src/engine/control/control-server.ts", import.meta.url), "utf8");
  const literal = [...source.matchAll(/case "((?:GET|DELETE) \/[^"]+)"/g)].map((match) => match[1]);
  const { VERBS } = await import("../../src/engine/control/control-messages.ts");
  const routes = [
    ...literal,
    ...VERBS.map((verb) => `POST /v1/pod/${verb}`),
    "POST /v1/containers/NAME/exec",
    "POST /v1/containers/NAME/log",
  ];
  const described = [...DOCUMENT.matchAll(/^### `((?:GET|POST|DELETE) [^`]+)`$/gm)].map((match) => match[1]);
  t.same(described.sort(), routes.sort());
});
