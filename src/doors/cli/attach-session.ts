// One user at one container's streams: keys there, output here, the terminal given back at the end.

import type { Attachment } from "../../engine/engine.ts";
import { DetachKeys } from "./detach-keys.ts";
import type { Output } from "./output.ts";
import type { Terminal } from "./terminal.ts";

export interface SessionStyle {
  /** What is typed or piped goes to the container. */
  readonly input: boolean;
  /** One byte a key. */
  readonly detachKeys: readonly number[];
}

/** Where an attachment's output goes. */
export function makeEars(output: Output) {
  return {
    onOutput: (stream: "stdout" | "stderr", bytes: Buffer) => output[stream === "stdout" ? "out" : "err"](bytes),
    onSkipped: (bytes: number) => output.err(`peapod: ${bytes} bytes were not shown; peapod logs has them\n`),
  };
}

/** Until the container has ended, the keys were typed, or `gone` aborts. */
export async function runSession(
  attachment: Attachment,
  terminal: Terminal,
  style: SessionStyle,
  gone: AbortSignal,
): Promise<"ended" | "detached"> {
  const isRaw = attachment.hasTerminal && terminal.isTerminal && style.input;
  const resize = () => {
    const size = terminal.size();
    if (attachment.hasTerminal && size !== undefined) attachment.resize(size.rows, size.columns);
  };
  resize();
  const stopResizing = terminal.onResize(resize);
  const left = new Promise<"detached">((resolve) => {
    if (gone.aborted) resolve("detached");
    gone.addEventListener("abort", () => resolve("detached"));
  });
  try {
    if (isRaw) await terminal.makeRaw();
    const typed = style.input ? giveInput(attachment, terminal, isRaw ? style.detachKeys : []) : never();
    return await Promise.race([attachment.ended.then(() => "ended" as const), typed, left]);
  } finally {
    stopResizing();
    terminal.close();
    attachment.close();
  }
}

/** Resolves at the detach keys alone: after the input's end there may be output yet. */
async function giveInput(
  attachment: Attachment,
  terminal: Terminal,
  detachKeys: readonly number[],
): Promise<"detached"> {
  const keys = new DetachKeys(detachKeys);
  attachment.openInput();
  return await new Promise((resolve) => {
    const take = async (typed: Buffer) => {
      const { bytes, isDetached } = keys.take(typed);
      await attachment.write(bytes);
      if (isDetached) resolve("detached");
    };
    void terminal.read(take).then(() => attachment.endInput());
  });
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
