// The pod's control socket: HTTP/1.1 and JSON on the listening descriptor that the reaper keeps. It translates requests
// to calls of the supervisor and to reads of the pod's files, and decides nothing. Described in docs/control-socket.md.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { asPeapodError, PeapodError } from "../../base/errors.ts";
import { makeUuid } from "../../base/unique.ts";
import { validate } from "../../base/validate.ts";
import type { PodState } from "../../state/pod-state.ts";
import { readEvents } from "../../state/read-journal.ts";
import { type LogNews, noteLogNews } from "../log-news.ts";
import { FD } from "../reaper-link.ts";
import type { Supervisor } from "../supervisor.ts";
import { type Ask, httpStatusOf, VERBS, type Verb } from "./control-messages.ts";

/** Largest body that is read: a manifest of the largest size and some files of ConfigMaps and Secrets, as JSON text. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

export interface ControlServer {
  readonly activeRequests: number;
}

export function startControlServer(supervisor: Supervisor): ControlServer {
  let activeRequests = 0;
  const server = createServer({ keepAlive: false }, (request, response) => {
    activeRequests += 1;
    response.on("close", () => {
      activeRequests -= 1;
    });
    answer(supervisor, request, response).catch((error: unknown) => sendError(response, error));
  });
  // Waiting for callers must not keep alive a supervisor whose pod is over.
  server.listen({ fd: FD.control });
  return {
    get activeRequests() {
      return activeRequests;
    },
  };
}

async function answer(supervisor: Supervisor, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = parseUrl(request.url ?? "/");
  const { plan } = supervisor.pod;
  const route = `${request.method} ${url.pathname}`;
  switch (route) {
    case "GET /v1/pod":
      return sendJson(response, 200, supervisor.state);
    case "GET /v1/pod/plan":
      return sendJson(response, 200, plan);
    case "GET /v1/pod/events":
      return sendEvents(supervisor, url, response);
    case "GET /v1/pod/wait":
      return sendWhenExited(supervisor, response);
    case "DELETE /v1/pod":
      return ask(supervisor, "delete", { force: url.searchParams.get("force") === "true" }, response);
  }
  const verb = VERBS.find((one) => route === `POST /v1/pod/${one}`);
  if (verb !== undefined) return ask(supervisor, verb, await readAsk(request), response);
  const exec = /^POST \/v1\/containers\/([^/]+)\/exec$/.exec(route);
  if (exec?.[1] !== undefined) return runExec(supervisor, exec[1], await readBody(request), response);
  const log = /^POST \/v1\/containers\/([^/]+)\/log$/.exec(route);
  if (log?.[1] !== undefined) {
    noteLogNews(supervisor.pod, log[1], checked<LogNews>("control-log", await readBody(request)));
    return sendJson(response, 200, {});
  }
  throw new PeapodError("NOT_FOUND", `${route}: no such thing here`, {
    hint: "docs/control-socket.md lists what there is",
  });
}

/** Always on this host: a path that begins with // would name another. */
function parseUrl(text: string): URL {
  const url = text.startsWith("/") ? `http://pod${text}` : text;
  if (URL.canParse(url)) return new URL(url);
  throw new PeapodError("BAD_USAGE", `${JSON.stringify(text)}: is no path`);
}

async function ask(supervisor: Supervisor, verb: Verb, body: Ask, response: ServerResponse): Promise<void> {
  sendJson(response, 200, { state: await perform(supervisor, verb, body) });
}

function perform(supervisor: Supervisor, verb: Verb, body: Ask): Promise<PodState | null> {
  const asked = { request: body.request ?? makeUuid() };
  switch (verb) {
    case "start":
      return supervisor.start(asked);
    case "stop":
      return supervisor.stop({ ...asked, graceMs: body.graceMs });
    case "kill":
      return supervisor.kill({ signal: body.signal ?? "TERM", container: body.container, all: body.all });
    case "pause":
      return supervisor.pause();
    case "resume":
      return supervisor.resume();
    case "checkpoint":
      return supervisor.checkpoint({ ...body, ...asked });
    case "restore":
      return supervisor.restore({ ...body, ...asked });
    case "restart":
      return supervisor.restart({ ...asked, containers: body.containers, graceMs: body.graceMs });
    case "update":
      if (body.manifest !== undefined) return supervisor.change({ ...asked, manifest: body.manifest });
      return supervisor.update({ containers: body.containers ?? [], resources: body.resources ?? {} });
    case "delete":
      return supervisor.delete({ ...asked, force: body.force }).then(() => null);
  }
}

async function readAsk(request: IncomingMessage): Promise<Ask> {
  return checked<Ask>("control-ask", await readBody(request));
}

interface ExecBody {
  readonly args: readonly string[];
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly user?: string;
}

async function runExec(supervisor: Supervisor, name: string, body: unknown, response: ServerResponse): Promise<void> {
  const wanted = checked<ExecBody>("control-exec", body);
  const container = supervisor.running(name);
  const result = await supervisor.pod.runtime.exec({ id: container.planned.name, ...wanted });
  sendJson(response, 200, result);
}

function checked<T>(schema: "control-ask" | "control-exec" | "control-log", value: unknown): T {
  const [first] = validate(schema, value);
  if (first === undefined) return value as T;
  throw new PeapodError("BAD_USAGE", `body${first.pointer}: ${first.message}`);
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new PeapodError("BAD_USAGE", `body: is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (size === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (cause) {
    throw new PeapodError("BAD_USAGE", "body: is not JSON", { cause });
  }
}

function sendEvents(supervisor: Supervisor, url: URL, response: ServerResponse): void {
  const text = url.searchParams.get("since");
  const since = text === null ? undefined : Number(text);
  if (since !== undefined && (!Number.isSafeInteger(since) || since < 0))
    throw new PeapodError("BAD_USAGE", "since: must be a cursor, 0 or more");
  const { journal, plan } = supervisor.pod;
  const events = readEvents(plan.paths.journal, since);
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  for (const event of events) response.write(`${JSON.stringify(event)}\n`);
  if (url.searchParams.get("follow") !== "true") {
    response.end();
    return;
  }
  const stop = journal.onEvent((event) => {
    if (event.seq > (since ?? 0)) response.write(`${JSON.stringify(event)}\n`);
    if (event.type === "pod.deleted") response.end();
  });
  response.on("close", stop);
}

async function sendWhenExited(supervisor: Supervisor, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const state = await supervisor.whenExited(gone.signal);
  if (state !== undefined) sendJson(response, 200, state);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = `${JSON.stringify(value)}\n`;
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

function sendError(response: ServerResponse, error: unknown): void {
  const known = asPeapodError(error);
  if (response.headersSent) response.destroy();
  else sendJson(response, httpStatusOf(known.code), { error: known.toJSON() });
}
