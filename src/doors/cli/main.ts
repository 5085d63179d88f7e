// The process behind the command line: the only file of this door that knows argv, the environment, standard
// streams, signals and process.exit.

import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { resolve } from "node:path";
import { PeapodError } from "../../base/errors.ts";
import { readTextIfAny } from "../../base/files.ts";
import type { Launcher } from "../../engine/reaper-link.ts";
import { runCommandLine } from "./cli.ts";
import { type Descriptors, openOutput } from "./output.ts";
import type { StopSignal, World } from "./task.ts";

const STOP_SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** The caller's. What we run does not hear of his service manager: systemd's own tools would tell it how they ended. */
const callersEnv = { ...process.env };
delete process.env.NOTIFY_SOCKET;

/** Words that nobody types: how the reaper starts us. */
export async function main(argv: readonly string[]): Promise<void> {
  switch (argv[0]) {
    case "supervise": {
      const { supervise } = await import("../../engine/supervise.ts");
      return await supervise(argv[1] ?? "", scriptPath());
    }
    case "@up": {
      const { replyToUp } = await import("../../engine/start/reply-to-up.ts");
      const { makePullTeller } = await import("./pull-teller.ts");
      const { FD } = await import("../../engine/reaper-link.ts");
      // The caller's own, from here on.
      const teller = makePullTeller(openOutput({ out: FD.userOut, err: FD.userErr }, process.env));
      return await replyToUp(argv[1] ?? "", scriptPath(), teller);
    }
    case "@reaper":
      return await runUnderReaper(withoutDashes(argv.slice(1)));
    default:
      // Everything was written synchronously, so this loses nothing; what an abandoned call left open cannot hold us.
      process.exit(await runCommandLine(withoutDashes(argv), makeWorld({ out: 1, err: 2 })));
  }
}

/** Those that peapod.sh puts before the caller's words. */
function withoutDashes(argv: readonly string[]): readonly string[] {
  return argv[0] === "--" ? argv.slice(1) : argv;
}

/** The command line of a caller who waits at the other end of a link. Once answered, what goes on is the supervisor. */
async function runUnderReaper(argv: readonly string[]): Promise<void> {
  const { FD, openLauncher } = await import("../../engine/reaper-link.ts");
  const launcher = openLauncher();
  const status = await runCommandLine(argv, makeWorld({ out: FD.userOut, err: FD.userErr }, launcher));
  launcher.answer(status);
  if (status !== 0) process.exit(status);
}

/** The running bundle; supervisors are started from it. */
function scriptPath(): string {
  return resolve(process.argv[1] ?? "");
}

export function makeWorld(descriptors: Descriptors, launcher?: Launcher): World {
  return {
    env: callersEnv,
    output: openOutput(descriptors, process.env),
    async openEngine(options) {
      const { openEngine } = await import("../../engine/open-engine.ts");
      const place = { script: scriptPath(), ...(launcher === undefined ? {} : { launcher }) };
      return openEngine({ ...options, root: resolve(options.root) }, place);
    },
    readStdin: () => readFileSync(0, "utf8"),
    readFile(path) {
      const text = readTextIfAny(path);
      if (text === undefined) throw new PeapodError("NOT_FOUND", `file ${path}: does not exist`);
      return text;
    },
    onSignal(handle) {
      for (const signal of STOP_SIGNALS) process.on(signal, handle);
      return () => {
        for (const signal of STOP_SIGNALS) process.off(signal, handle);
      };
    },
    async runProgram(program, args) {
      const { call } = await import("../../base/call.ts");
      // A terminal sends its signals to the program as well; it decides, and we stay to hand its status on.
      const ignore = () => {};
      process.on("SIGINT", ignore).on("SIGQUIT", ignore);
      const result = await call({ program, args, descriptors: [0, 1, 2], ownSession: false });
      process.off("SIGINT", ignore).off("SIGQUIT", ignore);
      if (result.exitCode !== undefined) return result.exitCode;
      return result.signal === undefined ? 127 : 128 + (constants.signals[result.signal as NodeJS.Signals] ?? 0);
    },
    openScreen: async () => (await import("./screen.ts")).openScreen(),
    openTerminal: async () => (await import("./terminal.ts")).openTerminal(),
    now: () => new Date(),
  };
}

void main(process.argv.slice(2));
