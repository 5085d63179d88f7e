// Texts as runc 1.1.5 and crun 1.8.1 wrote them.

import t from "tap";
import type { CallResult } from "../../../src/base/call.ts";
import { findLastWords, makeFailure } from "../../../src/runtime/failure.ts";

function aResult(more: Partial<CallResult> = {}): CallResult {
  return { exitCode: 1, signal: undefined, timedOut: false, stdout: "", stderr: "", startError: undefined, ...more };
}

function logOf(...messages: string[]): string {
  return messages.map((msg) => `${JSON.stringify({ level: "error", msg, time: "2026-11-22T18:00:00Z" })}\n`).join("");
}

const CREATE = "runc create failed: ";
const PROCESS = `${CREATE}unable to start container process: `;
const INIT = `${PROCESS}error during container init: `;

const TABLE = [
  [`${PROCESS}exec: "foo": executable file not found in $PATH`, "NOT_FOUND", 'command "foo" not found in its rootfs'],
  [
    `${PROCESS}exec: "/opt/foo": stat /opt/foo: no such file or directory`,
    "NOT_FOUND",
    'command "/opt/foo" not found in its rootfs',
  ],
  [
    "executable file `foo` not found in $PATH: No such file or directory",
    "NOT_FOUND",
    'command "foo" not found in its rootfs',
  ],
  ["exec /bin/noint: no such file or directory", "NOT_FOUND", 'command "/bin/noint" not found in its rootfs'],
  [`${PROCESS}exec: "/plain": permission denied`, "NOT_PERMITTED", 'command "/plain" is not executable'],
  ["open executable: Permission denied", "NOT_PERMITTED", "its command is not executable"],
  ["exec /bin/garbage: exec format error", "RUNTIME_FAILED", "its command is no program for this machine"],
  [
    'exec failed: unable to start container process: chdir to cwd ("/nope") set in config.json failed: no such file or directory',
    "NOT_FOUND",
    "working directory /nope not found in its rootfs",
  ],
  [
    `${CREATE}invalid rootfs: stat /srv/none: no such file or directory`,
    "NOT_FOUND",
    "rootfs /srv/none does not exist",
  ],
  [
    `${INIT}error mounting "/srv/none" to rootfs at "/x": stat /srv/none: no such file or directory`,
    "NOT_FOUND",
    "/srv/none, to be mounted at /x, does not exist",
  ],
  [
    `${CREATE}unable to create new parent process: namespace path: lstat /run/ns/none: no such file or directory`,
    "NOT_FOUND",
    "namespace /run/ns/none does not exist",
  ],
  [
    `${INIT}error setting cgroup config for procHooks process: unable to set memory limit to 1000 (current usage: 2330624, peak usage: 2818048)`,
    "OUT_OF_RESOURCES",
    "its memory limit of 1000 bytes is less than it takes to start",
  ],
  [
    "runc run failed: unable to start container process: container init was OOM-killed (memory limit too low?)",
    "OUT_OF_RESOURCES",
    "its memory limit, or its pod's, is less than it takes to start",
  ],
  [
    "the path `/etc/passwd` exists but it is not executable",
    "NOT_PERMITTED",
    'command "/etc/passwd" is not executable',
  ],
  ["chdir to `/etc/passwd`: Not a directory", "NOT_FOUND", "working directory /etc/passwd: not a directory"],
  [
    "OOM: the memory limit could be too low",
    "OUT_OF_RESOURCES",
    "its memory limit, or its pod's, is less than it takes to start",
  ],
  ["container does not exist", "NOT_FOUND", "the runtime does not know it"],
  ["exec failed: container does not exist", "NOT_FOUND", "the runtime does not know it"],
  ["error opening file `/run/crun/web/status`: No such file or directory", "NOT_FOUND", "the runtime does not know it"],
  [
    "cannot open directory `/run/peapod/pods/shop/runc/web`: No such file or directory",
    "NOT_FOUND",
    "the runtime does not know it",
  ],
  [`${CREATE}container with given ID already exists`, "ALREADY_EXISTS", "the runtime has one of that name already"],
  ["container `web` already exists", "ALREADY_EXISTS", "the runtime has one of that name already"],
  ["cannot start an already running container", "WRONG_STATE", "it is running already"],
  ["cannot start a container that has stopped", "WRONG_STATE", "it is not running"],
  ["cannot start a container in the paused state", "WRONG_STATE", "it is paused"],
  ["exec failed: cannot exec in a paused container (use --ignore-paused to override)", "WRONG_STATE", "it is paused"],
  ["exec failed: cannot exec in a stopped container", "WRONG_STATE", "it is not running"],
  ["container not paused", "WRONG_STATE", "it is not paused"],
  ["container not running", "WRONG_STATE", "it is not running"],
  ["os: process already finished", "WRONG_STATE", "it is not running"],
  ["kill container: No such process", "WRONG_STATE", "it is not running"],
  ["cannot delete container web that is not stopped: running", "WRONG_STATE", "it has not ended yet"],
  ['unknown signal "FOO"', "BAD_USAGE", "there is no such signal"],
  [`${INIT}write /p/pid: no space left on device`, "OUT_OF_RESOURCES", "no space left on device"],
  [
    `${PROCESS}fork/exec /proc/self/exe: resource temporarily unavailable`,
    "OUT_OF_RESOURCES",
    "fork/exec /proc/self/exe: resource temporarily unavailable",
  ],
  [
    "cgroups in hybrid mode not supported, drop all controllers from cgroupv2",
    "HOST_LACKS",
    "this runtime cannot work with this machine's mixed cgroup layout",
  ],
  [`${CREATE}namespace {"time" ""} does not exist`, "RUNTIME_FAILED", 'namespace {"time" ""} does not exist'],
  [
    `${PROCESS}can't get final child's PID from pipe: EOF`,
    "RUNTIME_FAILED",
    "can't get final child's PID from pipe: EOF",
  ],
  [`${CREATE}unexpected EOF`, "RUNTIME_FAILED", "unexpected EOF"],
] as const;

for (const [words, code, told] of TABLE) {
  t.test(`"${words}" is ${code}`, async (t) => {
    const failure = makeFailure("container web", "create", aResult(), logOf(words));
    t.match(failure, { code, message: `container web: ${told}` });
    t.match(failure.detail, { verb: "create", lastWords: words }, "all that it said is kept");
  });
}

t.test("the last error of the log counts, and lines that are no JSON do not", async (t) => {
  const log = `garbage\n${logOf("first")}{"level":"warning","msg":"warned"}\n${logOf("last")}{"level":"err`;
  t.equal(findLastWords({ stderr: "from stderr" }, log), "last");
});

t.test("without a log its stderr counts, and without a word its exit code", async (t) => {
  t.equal(findLastWords({ stderr: "one\ntwo\n" }, ""), "two");
  t.match(makeFailure("container web", "start", aResult({ exitCode: 42 }), ""), {
    code: "RUNTIME_FAILED",
    message: "container web: start failed (exit code 42) without a word",
  });
  t.match(makeFailure("container web", "start", aResult({ exitCode: undefined, signal: "SIGSEGV" }), ""), {
    message: /SIGSEGV/,
  });
});

t.test("a runtime that cannot be run is missing, one that does not end is late", async (t) => {
  t.match(makeFailure("container web", "create", aResult({ startError: "ENOENT" }), ""), { code: "RUNTIME_MISSING" });
  t.match(makeFailure("container web", "create", aResult({ timedOut: true }), logOf("container not running")), {
    code: "TIMED_OUT",
  });
});
