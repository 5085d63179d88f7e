// Both ways to run a program must tell the same: Node's own, and through the helper that forks for it.

import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { callThrough, endCaller, type SwiftCall, swiftCall } from "../../../src/base/swift-call.ts";
import { readProcess } from "../../../src/host/processes.ts";
import { buildNative } from "../../support/native.ts";
import { childrenOf } from "../../support/own-processes.ts";
import { aTempDir } from "../../support/temp-dir.ts";
import { waitUntil } from "../../support/wait-until.ts";

const callerProgram = buildNative(aTempDir(t), "peapod-caller");

const sh = (script: string, more: Partial<SwiftCall> = {}): SwiftCall => ({
  program: "sh",
  args: ["-c", script],
  timeoutMs: 5000,
  ...more,
});

// Before the helper is there, so that they are its own as well.
process.env.PEAPOD_TEST_GONE = "1";
process.env.PEAPOD_TEST_GONE_NOT = "2";

for (const way of ["by Node", "by the helper"]) {
  t.test(way, async (t) => {
    if (way === "by the helper") {
      callThrough(callerProgram, () => t.fail("the helper died"));
      t.teardown(endCaller);
    }

    t.test("tells the exit code and what was written", async (t) => {
      t.match(await swiftCall(sh("echo out; echo err >&2; exit 7")), {
        exitCode: 7,
        signal: undefined,
        startError: undefined,
        timedOut: false,
        stdout: "out\n",
        stderr: "err\n",
      });
    });

    t.test("tells the signal", async (t) => {
      t.match(await swiftCall(sh("kill -USR1 $$")), { exitCode: undefined, signal: "SIGUSR1", timedOut: false });
    });

    t.test("tells why a program could not be started", async (t) => {
      for (const [program, startError] of [
        ["/no/such/program", "ENOENT"],
        ["no-such-program", "ENOENT"],
        ["/etc/passwd", "EACCES"],
      ] as const) {
        const result = await swiftCall({ program, args: [], timeoutMs: 1000 });
        t.match(result, { exitCode: undefined, signal: undefined, startError }, program);
      }
    });

    t.test("ends at the deadline what does not end by itself", async (t) => {
      t.match(await swiftCall(sh("sleep 20", { timeoutMs: 50 })), { signal: "SIGKILL", timedOut: true });
    });

    t.test("adds to the environment and replaces in it", async (t) => {
      const env = { PEAPOD_TEST_NEW: "a b=c", PATH: `/peapod-test:${process.env.PATH}` };
      const { stdout } = await swiftCall(sh('echo "$PEAPOD_TEST_NEW"; echo "$PATH"; env | grep -c ^PATH=', { env }));
      t.equal(stdout, `a b=c\n${env.PATH}\n1\n`);
    });

    t.test("takes away from the environment, and no more than it was told", async (t) => {
      const env = { PEAPOD_TEST_GONE: undefined, PEAPOD_TEST: undefined };
      const { stdout } = await swiftCall(sh("env | grep ^PEAPOD_TEST_GONE", { env }));
      t.equal(stdout, "PEAPOD_TEST_GONE_NOT=2\n");
    });

    t.test("hands the descriptors on that it is given", async (t) => {
      const path = join(aTempDir(t), "out");
      const fd = openSync(path, "w+");
      await swiftCall(sh("echo here; echo there >&2", { descriptors: ["ignore", fd, fd] }));
      closeSync(fd);
      t.same(readFileSync(path, "utf8").trim().split("\n").sort(), ["here", "there"]);
    });

    t.test(
      "runs calls side by side, each with its own end, in a session of its own and with no signal ignored",
      async (t) => {
        const codes = Array.from({ length: 40 }, (_, index) => index);
        const ends = await Promise.all(codes.map((code) => swiftCall(sh(`exit ${code}`))));
        t.same(
          ends.map((end) => end.exitCode),
          codes,
        );
        // Not through sh: dash blocks and unblocks signals of its own.
        const read = async (program: string, ...args: string[]) =>
          (await swiftCall({ program, args, timeoutMs: 5000 })).stdout;
        t.match(await read("cut", "-d ", "-f1,6", "/proc/self/stat"), /^(\d+) \1\n$/);
        t.match(await read("grep", "-E", "Sig(Ign|Blk)", "/proc/self/status"), /^SigBlk:\s0+\nSigIgn:\s0+\n$/);
      },
    );

    t.test("takes arguments as they are, long ones too", async (t) => {
      const long = "x".repeat(60_000);
      const { stdout } = await swiftCall({
        program: "printf",
        args: ["%s|", "", "a b", "$HOME", long],
        timeoutMs: 1000,
      });
      t.equal(stdout, `|a b|$HOME|${long}|`);
    });
  });
}

t.test("what runs outlives the helper, whose death is told", async (t) => {
  const helpers = () => childrenOf(process.pid).filter((pid) => readProcess(pid)?.comm === "peapod-caller");
  let deaths = 0;
  callThrough(callerProgram, () => {
    deaths += 1;
  });
  const file = join(aTempDir(t), "file");
  void swiftCall(sh(`touch ${file}.begun; sleep 0.3; touch ${file}.done`));
  await waitUntil("it runs", () => existsSync(`${file}.begun`));
  for (const pid of helpers()) process.kill(pid, "SIGKILL");
  await waitUntil("its death is told", () => deaths === 1);
  await waitUntil("the call came to its end", () => existsSync(`${file}.done`));
  t.same(helpers(), []);
});
