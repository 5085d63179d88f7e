// One line of a log in the CRI format, `2026-11-22T10:00:00.123456789Z stdout F text`. Bytes stay bytes: a long line is
// cut at any byte, so its pieces can only be read as text once they are together again.

export type StreamName = "stdout" | "stderr";

export interface LogPiece {
  /** RFC 3339, UTC, nine digits of a second: comparable as text. */
  readonly time: string;
  readonly stream: StreamName;
  /** The line goes on in the stream's next piece (`P`), or ended without a newline. */
  readonly partial: boolean;
  /** Written by io itself: it was started again, and output may be missing here. */
  readonly restarted: boolean;
  /** Without the newline. */
  readonly bytes: Buffer;
}

const HEAD = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (stdout|stderr) ([PF])((?::[\w-]+)*) /;
/** The longest head there can be, with room for tags to come. */
const HEAD_BYTES = 128;

/** `line`: without its newline. Undefined for what is no such line, as a kill in the middle of a write leaves it. */
export function parseLogLine(line: Buffer | string): LogPiece | undefined {
  const bytes = typeof line === "string" ? Buffer.from(line) : line;
  const [head, time, stream, letter, tags] = HEAD.exec(bytes.toString("latin1", 0, HEAD_BYTES)) ?? [];
  if (head === undefined || time === undefined) return undefined;
  return {
    time,
    stream: stream as StreamName,
    partial: letter === "P",
    restarted: (tags ?? "").split(":").includes("restarted"),
    bytes: bytes.subarray(head.length),
  };
}

/** The line with its newline. */
export function formatLogLine(piece: LogPiece): Buffer {
  const tags = `${piece.partial ? "P" : "F"}${piece.restarted ? ":restarted" : ""}`;
  return Buffer.concat([Buffer.from(`${piece.time} ${piece.stream} ${tags} `), piece.bytes, Buffer.from("\n")]);
}
