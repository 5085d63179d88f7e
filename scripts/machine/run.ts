// Starts the machine, hands it the command, and passes on what comes from it: output, exit status, and to it the signals
// that ask a program to end. Nothing of the machine outlives this program, however it ends.

import { type ChildProcess, spawn } from "node:child_process";
import { join, relative } from "node:path";
import type { Duplex, Readable } from "node:stream";

const BOOT_MS = 180_000;
/** `timeout`'s exit code, and a shell's for a signal. */
const TIMED_OUT = 124;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
/** What of our environment the command gets. */
const PASSED_ON = /^(PEAPOD_(?!VM_)|TAP_|TERM$|CI$)/;

const home = process.env.PEAPOD_VM_HOME ?? "";
const deadlineMs = Number(process.env.PEAPOD_VM_DEADLINE ?? 2 * 60 * 60) * 1000;
let status: number | undefined;

const machine = startMachine();
const [, , , out, err, control] = machine.stdio as unknown as [null, Readable, Readable, Readable, Readable, Duplex];
const console_ = collect(machine.stdout, machine.stderr);
let phase: "booting" | "running" | "over" = "booting";

out.pipe(process.stdout);
err.pipe(process.stderr);
listen(control);
const bootTimer = setTimeout(() => giveUp(1, `the VM did not come up within ${BOOT_MS / 1000} s`), BOOT_MS);
const timer = setTimeout(() => giveUp(TIMED_OUT, `the command took longer than ${deadlineMs / 1000} s`), deadlineMs);
for (const [name, number] of Object.entries(SIGNALS)) {
  let count = 0;
  process.on(name, () => {
    count += 1;
    // Before there is a command to tell, or when it did not listen.
    if (phase !== "running" || count > 1) giveUp(128 + number);
    else control.write(`${name.slice(3)}\n`);
  });
}
machine.once("error", (error) => giveUp(1, String(error)));
machine.once("close", () => {
  clearTimeout(bootTimer);
  clearTimeout(timer);
  if (status === undefined)
    process.stderr.write(`${console_.join("").slice(-4000)}\nthe VM ended before its command\n`);
  process.exitCode = status ?? 1;
});

/** In a session of its own, so that Ctrl-C comes to us alone; with us ends `unshare`, and with that all that is below. */
function startMachine(): ChildProcess {
  const words = [
    "--pdeathsig",
    "KILL",
    "nice",
    "-n",
    process.env.PEAPOD_VM_NICE ?? "19",
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
  ];
  const boot = join(home, "scripts/machine/boot.sh");
  return spawn("setpriv", [...words, "sh", boot], {
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe"],
    detached: true,
  });
}

/** What the kernel and QEMU say is told only if the machine fails. */
function collect(...streams: (Readable | null)[]): string[] {
  const said: string[] = [];
  for (const stream of streams) stream?.setEncoding("utf8").on("data", (text: string) => said.push(text));
  return said;
}

function listen(line: Duplex): void {
  let heard = "";
  line.setEncoding("utf8").on("data", (text: string) => {
    heard += text;
    const lines = heard.split("\n");
    heard = lines.pop() ?? "";
    for (const word of lines) take(word.trim());
  });
  // The machine may end at any moment, and says so by its own end.
  line.on("error", () => undefined);
}

function take(word: string): void {
  if (word === "ready" && phase === "booting") {
    clearTimeout(bootTimer);
    phase = "running";
    control.write(`${Buffer.from(makeScript()).toString("base64")}\n`);
  }
  const ended = /^exit (\d+)$/.exec(word);
  if (ended === null) return;
  phase = "over";
  status = Number(ended[1]);
}

function makeScript(): string {
  const { PATH: _, ...env } = process.env;
  const passed = Object.entries(env).filter(([name]) => PASSED_ON.test(name));
  const isInside = !relative(home, process.cwd()).startsWith("..");
  return [
    `cd ${quote(isInside ? process.cwd() : home)}`,
    ...passed.map(([name, value]) => `export ${name}=${quote(value ?? "")}`),
    // Each thing takes about twenty times as long as on the host.
    `export PEAPOD_TEST_SLOWNESS="\${PEAPOD_TEST_SLOWNESS:-20}" HOME=/root TMPDIR=/tmp`,
    `export PATH=${quote(join(home, "node_modules/.bin"))}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin`,
    `exec ${process.argv.slice(2).map(quote).join(" ")}`,
    "",
  ].join("\n");
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function giveUp(code: number, why?: string): void {
  if (why !== undefined) process.stderr.write(`${why}\n${phase === "booting" ? console_.join("").slice(-4000) : ""}`);
  status = code;
  machine.kill("SIGKILL");
}
