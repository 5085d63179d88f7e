// Tells systemd how the pod is (sd_notify(3)), where it asked for that by NOTIFY_SOCKET. A message that does not arrive is
// systemd's loss: nothing waits for it for long, and nothing fails by it.

import { openChannel } from "../base/channel.ts";

export interface Notice {
  readonly ready?: true;
  readonly stopping?: true;
  /** One line, shown by `systemctl status`. */
  readonly status?: string;
}

/** systemd answers to a full socket by making us wait. */
const PATIENCE_MS = 2000;

/**
 * `program`: our peapod-probe. Systemd takes the message for this process's own, so the one that it started must ask.
 * @returns what went wrong, else undefined; also where nobody listens
 */
export async function notifySystemd(
  program: string,
  notice: Notice,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | undefined> {
  const { NOTIFY_SOCKET: address } = env;
  const text = makeNotice(notice);
  if (address === undefined || address === "" || text === "") return undefined;
  const channel = openChannel(program, ["notify", address, text]);
  const patience = setTimeout(() => void channel.close(), PATIENCE_MS);
  try {
    const { exitCode, words } = await channel.ended;
    if (exitCode === 0) return undefined;
    return `NOTIFY_SOCKET ${address}: ${words || "was not reached in time"}`;
  } finally {
    clearTimeout(patience);
    await channel.close();
  }
}

export function makeNotice({ ready, stopping, status }: Notice): string {
  return [
    ...(ready ? ["READY=1"] : []),
    ...(stopping ? ["STOPPING=1"] : []),
    // A line break would begin another assignment.
    ...(status === undefined ? [] : [`STATUS=${status.replace(/\s+/g, " ")}`]),
  ].join("\n");
}
