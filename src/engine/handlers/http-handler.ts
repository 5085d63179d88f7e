// One HTTP GET inside the container's network, as the kubelet asks: certificates are not verified, redirects followed on
// the same host only, at most 10 KiB of the answer are read.

import { request as httpRequest, type IncomingMessage } from "node:http";
import { isIP, isIPv6 } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Handler } from "../../manifest/probe.ts";
import { attempt, type HandlerTarget, type Limits, type Outcome, openDial } from "./handler.ts";

type Action = Extract<Handler, { kind: "httpGet" }>;

const MOST_BODY = 10 * 1024;
const MOST_HEADERS = 256 * 1024;
const MOST_REDIRECTS = 10;
const FOLLOWED = [301, 302, 303, 307, 308];
const USER_AGENT = "peapod-probe";

/** Where a request goes: a URL without what makes one: no name is resolved, and a path stays as it is written. */
interface Place {
  readonly isSecure: boolean;
  /** A literal address or localhost, as peapod-probe takes it. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
}

export async function runHttpGet(target: HandlerTarget, action: Action, limits: Limits): Promise<Outcome> {
  let place = makePlace(action);
  let host = action.headers.find(({ name }) => name.toLowerCase() === "host")?.value;
  for (let redirects = 0; ; redirects += 1) {
    const { status, location } = await ask(target, place, action, host, limits).catch((error: unknown) => {
      if (!limits.isHook || !isPlainHttp(error)) throw error;
      return ask(target, { ...place, isSecure: false }, action, host, limits);
    });
    if (!FOLLOWED.includes(status) || location === undefined) {
      const ok = limits.isHook || (status >= 200 && status < 400);
      return { ok, message: ok ? "" : `HTTP ${status}` };
    }
    const base = asUrl(place);
    const next = URL.canParse(location, base) ? new URL(location, base) : undefined;
    if (next === undefined) return { ok: limits.isHook, message: `HTTP ${status} to nowhere` };
    if (next.hostname !== new URL(base).hostname)
      return { ok: true, message: `HTTP ${status} to another host, ${next.hostname.slice(0, 100)}` };
    if (!/^https?:$/.test(next.protocol))
      return { ok: false, message: `HTTP ${status} to ${next.protocol.slice(0, 20)}` };
    if (redirects === MOST_REDIRECTS) return { ok: false, message: `more than ${MOST_REDIRECTS} redirects` };
    // The name that was asked for holds only while nobody says another.
    if (URL.canParse(location)) host = undefined;
    const isSecure = next.protocol === "https:";
    const port = Number(next.port) || (isSecure ? 443 : 80);
    place = { isSecure, host: place.host, port, path: `${next.pathname}${next.search}` };
  }
}

async function ask(
  target: HandlerTarget,
  { isSecure, host, port, path }: Place,
  action: Action,
  hostHeader: string | undefined,
  limits: Limits,
): Promise<Answer> {
  const channel = openDial("dial", target, host, port, limits);
  return await attempt<Answer>(channel, limits.signal, (done, fail) => {
    const { socket } = channel;
    const stream = isSecure ? connectTls({ socket, rejectUnauthorized: false, ...makeServerName(host) }) : socket;
    stream.on("error", (error) => fail(explain(error)));
    const request = httpRequest({
      createConnection: () => stream,
      method: "GET",
      path,
      setHost: false,
      headers: makeHeaders(action, hostHeader || `${bracketed(host)}:${port}`),
      maxHeaderSize: MOST_HEADERS,
    });
    request.on("error", (error) => fail(explain(error)));
    request.on("upgrade", ({ statusCode }: IncomingMessage) => done({ status: statusCode ?? 0, location: undefined }));
    request.on("response", (response) => {
      const answer = { status: response.statusCode ?? 0, location: response.headers.location };
      const isRedirect = answer.location !== undefined && FOLLOWED.includes(answer.status);
      response.on("error", () => fail(new Error("the answer was cut off")));
      // The body of a success must come as well; no other is of interest.
      if (limits.isHook || isRedirect || answer.status >= 400 || answer.status < 200) return done(answer);
      let length = 0;
      response.on("data", (piece: Buffer) => {
        length += piece.length;
        if (length > MOST_BODY) done(answer);
      });
      response.on("end", () => done(answer));
    });
    request.end();
    return () => request.destroy();
  });
}

function makePlace({ scheme, host, port, path }: Action): Place {
  const sent = path.replace(/#.*$/s, "").replace(/[^\x21-\x7e]/gu, escapeCharacter);
  return { isSecure: scheme === "HTTPS", host, port, path: sent };
}

function asUrl({ isSecure, host, port, path }: Place): string {
  return `${isSecure ? "https" : "http"}://${bracketed(host)}:${port}${path}`;
}

/** As it stands in a URL: a zone is only ours to know. */
function bracketed(host: string): string {
  return isIPv6(host) ? `[${host.replace(/%.*/, "")}]` : host;
}

/** An address is no name that a certificate could be chosen by (RFC 6066). */
function makeServerName(host: string): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

function escapeCharacter(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** An empty User-Agent or Accept takes ours away. */
function makeHeaders({ headers }: Action, host: string): string[] {
  const own = new Set(headers.map(({ name }) => name.toLowerCase()));
  const ours = [["User-Agent", USER_AGENT] as const, ["Accept", "*/*"] as const];
  const written = headers.filter(({ name, value }) => {
    const lower = name.toLowerCase();
    return lower !== "host" && (value !== "" || (lower !== "user-agent" && lower !== "accept"));
  });
  return [
    ...["Host", host],
    ...ours.flatMap(([name, value]) => (own.has(name.toLowerCase()) ? [] : [name, value])),
    ...written.flatMap(({ name, value }) => [name, value]),
  ];
}

function isPlainHttp(error: unknown): boolean {
  return error instanceof Error && error.message === "TLS: wrong version number";
}

/** Node's words are for programmers. */
function explain(error: NodeJS.ErrnoException): Error {
  const code = error.code ?? "";
  if (code === "ECONNRESET") return new Error("the connection closed without an answer");
  if (code === "HPE_HEADER_OVERFLOW") return new Error("the answer's headers are too long");
  if (code.startsWith("HPE_")) return new Error("the answer is not HTTP");
  if (code === "EPROTO" || code.startsWith("ERR_SSL_")) {
    // OpenSSL's words stand behind its function's name.
    const reason = /SSL routines:[^:]*:([^:]+)/.exec(error.message)?.[1] ?? "no handshake";
    return new Error(`TLS: ${reason}`);
  }
  return error;
}
