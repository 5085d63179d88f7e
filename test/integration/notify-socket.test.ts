// A service manager's socket is peapod's own: runc, which would mount one into the container, does not hear of it.

import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { testWithPeapod } from "../support/peapod-host.ts";
import { patient } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

testWithPeapod("a container does not learn of NOTIFY_SOCKET, nor find a socket of it", async (t, host) => {
  const script =
    'echo "[$NOTIFY_SOCKET]"; while read -r line; do case $line in *notify*) echo "$line";; esac; done </proc/mounts';
  const pod = host.aPod({ containers: [{ name: "web", run: script }] });
  const env = { NOTIFY_SOCKET: join(host.dir, "notify") };
  const { code, out, err } = await host.start(["run", pod.file], { env }).ended;
  t.equal(out, "[]\n", err);
  t.equal(code, 0);
});

testWithPeapod("nor does a program that peapod runs", async (t, host) => {
  const bin = join(host.dir, "bin");
  const heard = join(host.dir, "heard");
  mkdirSync(bin);
  writeFileSync(join(bin, "unshare"), `#!/bin/sh\necho "[$NOTIFY_SOCKET]" >>${heard}\nexec /usr/bin/unshare "$@"\n`);
  chmodSync(join(bin, "unshare"), 0o755);
  const env = { NOTIFY_SOCKET: join(host.dir, "notify"), PATH: `${bin}:${process.env.PATH}` };
  t.match(await host.start(["run", host.aPod({ containers: [{ name: "web", run: "true" }] }).file], { env }).ended, {
    code: 0,
  });
  t.equal(readFileSync(heard, "utf8"), "[]\n");
});

const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(float(sys.argv[2]))
print("listening", flush=True)
while True: print(s.recv(4096).decode().replace("\\n", "|"), flush=True)
`;

testWithPeapod("run says when the pod is ready, and not before, and that it is stopping", async (t, host) => {
  const address = join(host.dir, "notify");
  const listener = spawn("python3", ["-c", LISTENER, address, String(patient(60_000) / 1000)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let heard = "";
  listener.stdout.setEncoding("utf8").on("data", (text: string) => {
    heard += text;
  });
  try {
    await waitUntil("it listens", () => heard !== "");
    const probe = {
      exec: { command: ["test", "-e", "/up"] },
      periodSeconds: 1,
      timeoutSeconds: 50,
      failureThreshold: 1,
    };
    const run = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
    const pod = host.aPod({ containers: [{ name: "web", run, readinessProbe: probe }] });
    const { child, ended } = host.start(["run", pod.file], { env: { NOTIFY_SOCKET: address } });
    await waitUntil("it was found wanting", async () => {
      const { code, out } = await host.peapod("state", pod.name);
      return code === 0 && /exit status 1/.test(out);
    });
    t.equal(heard, "listening\n");
    await host.must("exec", pod.name, "touch", "/up");
    await waitUntil("it is told", () => /READY=1/.test(heard));
    child.kill("SIGTERM");
    t.equal((await ended).code, 143);
    t.match(heard, /^listening\nREADY=1\|STATUS=ready\nSTOPPING=1\n$/);
  } finally {
    listener.kill("SIGKILL");
  }
});
