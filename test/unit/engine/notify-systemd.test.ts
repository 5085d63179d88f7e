import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { makeNotice, notifySystemd } from "../../../src/engine/notify-systemd.ts";
import { buildNative } from "../../support/native.ts";
import { aTempDir } from "../../support/temp-dir.ts";

const dir = aTempDir(t);
const program = buildNative(dir, "peapod-probe");

/** Waits for one datagram, as systemd does: prints its sender's pid, and its text. */
const LISTENER = `
import socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1].replace("@", "\\0", 1))
s.settimeout(30)
print("listening", flush=True)
data, extra, _, _ = s.recvmsg(4096, 4096)
pid = [struct.unpack("3i", d)[0] for (l, k, d) in extra if k == socket.SCM_CREDENTIALS][0]
print(pid, data.decode().replace("\\n", "|"), flush=True)
`;
const skip = existsSync("/usr/bin/env") ? false : "there is no /usr/bin/env";

async function hear(address: string, send: () => Promise<unknown>): Promise<string> {
  const listener = spawn("/usr/bin/env", ["python3", "-c", LISTENER, address], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  for await (const text of listener.stdout.setEncoding("utf8")) {
    if (said === "") await send();
    said += text;
  }
  return said.replace("listening\n", "").trim();
}

for (const address of [join(dir, "notify"), `@peapod-test-${process.pid}`]) {
  t.test(`a notice comes to ${address.slice(0, 1)}... in this process's name`, { skip }, async (t) => {
    const env = { NOTIFY_SOCKET: address };
    const heard = await hear(address, async () => {
      t.equal(await notifySystemd(program, { ready: true, status: "3 of 3\nready" }, env), undefined);
    });
    // Only root may say that it is somebody else; systemd then looks into NotifyAccess.
    if (process.getuid?.() === 0) t.equal(heard, `${process.pid} READY=1|STATUS=3 of 3 ready`);
    else t.match(heard, /^\d+ READY=1\|STATUS=3 of 3 ready$/);
  });
}

t.test("without a socket nothing is said, and one that nobody listens to is no failure of ours", async (t) => {
  t.equal(await notifySystemd("/nowhere", { ready: true }, {}), undefined);
  t.equal(await notifySystemd("/nowhere", { ready: true }, { NOTIFY_SOCKET: "" }), undefined);
  for (const [address, why] of [
    [join(dir, "nobody"), /No such file|no such file/],
    ["relative", /is not a socket/],
    [`/${"x".repeat(200)}`, /is not a socket/],
  ] as const)
    t.match(await notifySystemd(program, { stopping: true }, { NOTIFY_SOCKET: address }), why);
});

t.test("a notice is lines of assignments", async (t) => {
  t.equal(makeNotice({}), "");
  t.equal(makeNotice({ stopping: true, status: "ends" }), "STOPPING=1\nSTATUS=ends");
});
