import { spawn } from "node:child_process";
import { once } from "node:events";
import t from "tap";
import { isSameProcess, parseStat, readCommandLine, readProcess, signalProcess } from "../../../src/host/processes.ts";

const NOBODY = 2 ** 22 + 1;

t.test("a process may call itself what it likes", async (t) => {
  const rest = `S 1 7 7 0 -1 4194560 ${"0 ".repeat(12)}987654 0`;
  t.match(parseStat(42, `42 (a) R 99 (b) ${rest}`), {
    pid: 42,
    comm: "a) R 99 (b",
    state: "S",
    ppid: 1,
    startTime: 987654,
  });
});

t.test("we find ourselves, and nobody where nobody is", async (t) => {
  const self = readProcess(process.pid);
  t.match(self, { pid: process.pid, ppid: process.ppid, state: /[RSD]/ });
  t.ok(isSameProcess(process.pid, self?.startTime ?? -1));
  t.notOk(isSameProcess(process.pid, (self?.startTime ?? 0) + 1));
  t.equal(readProcess(NOBODY), undefined);
  t.equal(readCommandLine(NOBODY), undefined);
  t.equal(readCommandLine(process.pid)?.[0], process.argv0);
});

t.test("a signal reaches only the process that is meant", async (t) => {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  const startTime = readProcess(pid)?.startTime ?? -1;
  t.notOk(signalProcess(pid, startTime + 1, "SIGKILL"), "another process of that pid");
  t.ok(isSameProcess(pid, startTime), "it lives on");
  t.ok(signalProcess(pid, startTime, "SIGTERM"));
  const [, signal] = await once(child, "exit");
  t.equal(signal, "SIGTERM");
  t.notOk(signalProcess(pid, startTime, "SIGTERM"), "it has ended");
});

t.test("process groups and the machine's first process are never signalled", async (t) => {
  const init = readProcess(1)?.startTime ?? -1;
  t.notOk(signalProcess(1, init, "SIGCONT"));
  for (const pid of [0, -1, Number.NaN, 1.5]) t.notOk(signalProcess(pid, 0, "SIGCONT"));
});
