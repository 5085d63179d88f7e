// gRPC's health check (grpc.health.v1.Health/Check) over HTTP/2, with the two messages written by hand: the request has
// one field, the answer one number.

import { connect as connectHttp2, constants, type IncomingHttpHeaders } from "node:http2";
import type { Handler } from "../../manifest/probe.ts";
import { attempt, firstWords, type HandlerTarget, type Limits, type Outcome, openDial } from "./handler.ts";

const PATH = "/grpc.health.v1.Health/Check";
const MOST_ANSWER = 10 * 1024;
const STATUS = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
/** https://grpc.io/docs/guides/status-codes, by number. */
const CODES = (
  "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED " +
  "RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
).split(" ");

interface Answer {
  readonly httpStatus: number;
  readonly code: string | undefined;
  readonly words: string;
  readonly body: Buffer;
}

export async function runGrpc(
  target: HandlerTarget,
  { port, service }: Extract<Handler, { kind: "grpc" }>,
  limits: Limits,
): Promise<Outcome> {
  const answer = await ask(target, port, makeFrame(makeRequest(service)), limits);
  if (answer.httpStatus !== 200) return { ok: false, message: `HTTP ${answer.httpStatus}` };
  if (answer.code === undefined) return { ok: false, message: "the answer is not gRPC" };
  const code = CODES[Number(answer.code)] ?? `status ${answer.code.slice(0, 20)}`;
  if (code === "UNIMPLEMENTED") return { ok: false, message: "UNIMPLEMENTED: the server has no health service" };
  if (code !== "OK") return { ok: false, message: answer.words === "" ? code : `${code}: ${answer.words}` };
  const status = parseAnswer(answer.body);
  if (status === undefined) return { ok: false, message: "the answer is not gRPC" };
  return status === 1 ? { ok: true, message: "" } : { ok: false, message: STATUS[status] ?? `status ${status}` };
}

async function ask(target: HandlerTarget, port: number, frame: Buffer, limits: Limits): Promise<Answer> {
  const channel = openDial("dial", target, "localhost", port, limits);
  return await attempt<Answer>(channel, limits.signal, (done, fail) => {
    const session = connectHttp2(`http://localhost:${port}`, { createConnection: () => channel.socket });
    // Also where it is reset, or ended, without a word.
    const failOnce = (error?: Error) => fail(explain(error));
    session.on("error", failOnce).on("goaway", () => undefined);
    session.on("close", () => failOnce());
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: PATH,
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": "peapod-probe",
      "grpc-timeout": `${Math.min(limits.timeoutMs, 99_999_999)}m`,
    });
    let httpStatus = 0;
    let last: IncomingHttpHeaders = {};
    const pieces: Buffer[] = [];
    let length = 0;
    const hear = (headers: IncomingHttpHeaders) => {
      last = headers["grpc-status"] === undefined ? last : headers;
    };
    stream.on("response", (headers) => {
      httpStatus = Number(headers[":status"]);
      hear(headers);
    });
    stream.on("trailers", hear);
    stream.on("data", (piece: Buffer) => {
      length += piece.length;
      if (length > MOST_ANSWER) fail(new Error("the answer is too long"));
      else pieces.push(piece);
    });
    stream.on("error", failOnce);
    stream.on("end", () => {
      if (httpStatus === 0) return failOnce();
      const code = asText(last["grpc-status"]);
      done({ httpStatus, code, words: decodeWords(asText(last["grpc-message"]) ?? ""), body: Buffer.concat(pieces) });
    });
    stream.end(frame);
    return () => session.destroy();
  });
}

/** HealthCheckRequest: field 1, the service's name; an empty one is left out. */
export function makeRequest(service: string): Buffer {
  const name = Buffer.from(service);
  return name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a]), makeVarint(name.length), name]);
}

/** Not compressed, and its length. */
export function makeFrame(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** HealthCheckResponse: field 1, the status; absent it is 0. Undefined for what is no such message. */
export function parseAnswer(body: Buffer): number | undefined {
  if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) return undefined;
  let status = 0;
  for (let at = 5; at < body.length; ) {
    const tag = readVarint(body, at);
    if (tag === undefined) return undefined;
    const value = readVarint(body, tag.end);
    const field = tag.value >> 3;
    const type = tag.value & 7;
    if (type === 0 && value !== undefined) {
      if (field === 1) status = value.value;
      at = value.end;
    } else if (type === 2 && value !== undefined) at = value.end + value.value;
    else if (type === 1) at = tag.end + 8;
    else if (type === 5) at = tag.end + 4;
    else return undefined;
    if (at > body.length) return undefined;
  }
  return status;
}

function makeVarint(number: number): Buffer {
  const bytes: number[] = [];
  for (let rest = number; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function readVarint(bytes: Buffer, from: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let at = from; at < bytes.length && at < from + 10; at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * (at - from));
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return undefined;
}

function asText(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}

/** Percent-encoded, by the protocol; whoever does not keep to it is shown as he wrote. */
function decodeWords(text: string): string {
  try {
    return firstWords(decodeURIComponent(text));
  } catch {
    return firstWords(text);
  }
}

function explain(error: (Error & { code?: string }) | undefined): Error {
  if (error === undefined || error.code === "ECONNRESET") return new Error("the connection closed without an answer");
  if (error.code === "ERR_HTTP2_STREAM_ERROR") return new Error(`the server reset the call (${error.message})`);
  if (error.code?.startsWith("ERR_HTTP2_")) return new Error("the answer is not HTTP/2");
  return error;
}
