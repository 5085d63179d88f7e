// The command lines of the runtimes, as data. runc's words; where crun differs it is here and nowhere else.

import type { RuntimeChoice } from "../plan/plan.ts";

export interface GlobalFlags {
  /** The runtime's own state directory. */
  readonly root: string;
  /** File for its messages, one JSON object a line. */
  readonly log: string;
  readonly systemdCgroup: boolean;
  /** In a user namespace: whether there are cgroups that it shall make some below. */
  readonly userCgroups?: "some" | "none";
}

export interface ExecWords {
  readonly id: string;
  readonly args: readonly string[];
  readonly tty?: boolean;
  /** `NAME=value` each. */
  readonly env?: readonly string[];
  readonly cwd?: string;
  /** `uid` or `uid:gid`. */
  readonly user?: string;
  /** A file that says all that the others do. */
  readonly process?: string;
  /** Where the runtime writes the number of the command's process. */
  readonly pidFile?: string;
}

export function makeGlobalArgs(kind: RuntimeChoice["kind"], flags: GlobalFlags): string[] {
  // crun takes `file:` where runc takes a path, and knows the bare path too from 0.15 on.
  const log = kind === "crun" ? `file:${flags.log}` : flags.log;
  return [
    ...["--root", flags.root, "--log", log, "--log-format", "json"],
    ...(flags.systemdCgroup ? ["--systemd-cgroup"] : []),
    ...(flags.userCgroups === undefined ? [] : makeRootlessArgs(kind, flags.userCgroups)),
  ];
}

/** runc guesses by the environment otherwise; crun looks for itself, and is to be told only where there is nothing to find. */
function makeRootlessArgs(kind: RuntimeChoice["kind"], cgroups: "some" | "none"): string[] {
  if (kind === "crun") return cgroups === "none" ? ["--cgroup-manager", "disabled"] : [];
  return ["--rootless", "true"];
}

export function makeCreateArgs(id: string, bundle: string, pidFile: string, console?: string): string[] {
  return ["create", "--bundle", bundle, "--pid-file", pidFile, ...makeConsoleArgs(console), id];
}

export function makeRunArgs(id: string, bundle: string, pidFile: string, console?: string): string[] {
  return ["run", "--detach", "--bundle", bundle, "--pid-file", pidFile, ...makeConsoleArgs(console), id];
}

function makeConsoleArgs(socket: string | undefined): string[] {
  return socket === undefined ? [] : ["--console-socket", socket];
}

export function makeStartArgs(id: string): string[] {
  return ["start", id];
}

export function makeKillArgs(id: string, signal: string, all = false): string[] {
  return all ? ["kill", "--all", id, signal] : ["kill", id, signal];
}

export function makeDeleteArgs(id: string, force: boolean): string[] {
  return force ? ["delete", "--force", id] : ["delete", id];
}

/** `file`: OCI's LinuxResources as JSON. */
export function makeUpdateArgs(id: string, file: string): string[] {
  return ["update", "--resources", file, id];
}

export interface CheckpointFlags {
  /** Directory of the images. */
  readonly images: string;
  /** Directory of CRIU's logs. */
  readonly work: string;
  readonly tcpEstablished?: boolean;
  readonly fileLocks?: boolean;
}

/** The container runs on: who wants it ended ends it when all that belongs to it is on disk. */
export function makeCheckpointArgs(id: string, flags: CheckpointFlags): string[] {
  return ["checkpoint", "--leave-running", ...makeImageArgs(flags), id];
}

export function makeRestoreArgs(id: string, bundle: string, pidFile: string, flags: CheckpointFlags): string[] {
  return ["restore", "--detach", "--bundle", bundle, "--pid-file", pidFile, ...makeImageArgs(flags), id];
}

function makeImageArgs({ images, work, tcpEstablished, fileLocks }: CheckpointFlags): string[] {
  return [
    ...["--image-path", images, "--work-path", work],
    ...(tcpEstablished ? ["--tcp-established"] : []),
    ...(fileLocks ? ["--file-locks"] : []),
  ];
}

export function makeStateArgs(id: string): string[] {
  return ["state", id];
}

export function makeExecArgs({ id, args, tty, env, cwd, user, process, pidFile }: ExecWords): string[] {
  return [
    "exec",
    ...(tty ? ["--tty"] : []),
    ...(env ?? []).flatMap((pair) => ["--env", pair]),
    ...(cwd === undefined ? [] : ["--cwd", cwd]),
    ...(user === undefined ? [] : ["--user", user]),
    ...(process === undefined ? [] : ["--process", process]),
    ...(pidFile === undefined ? [] : ["--pid-file", pidFile]),
    id,
    ...args,
  ];
}
