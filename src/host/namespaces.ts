// Namespaces that live without a process: bound on files by unshare(1), or from a process by mount(8). One that is
// pinned already is left as it is, since containers may be in it.
// Where / is shared (systemd), a pin shows up in other mount namespaces too, and leaves them with our umount(8).

import { closeSync, mkdirSync, openSync, realpathSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { swiftCall } from "../base/swift-call.ts";
import { swapDotsAndSlashes } from "../base/sysctl-name.ts";
import type { NamespaceKind, PinnedNamespace } from "../plan/plan.ts";
import { unmount } from "./mounts.ts";
import { isPinned } from "./namespace-ids.ts";
import { makeToolError, TOOL_ENVIRONMENT } from "./tool-error.ts";

const TIMEOUT_MS = 20_000;

/** Kinds that can live with no process inside from the start; the others are bound from a container's first process. */
const MAKEABLE: readonly NamespaceKind[] = ["net", "ipc", "uts", "time"];

/** Exit code of our script: nothing is there that brings a network interface up. */
const NO_IP = 12;
/** A kernel parameter is not there, or does not take its value; the script's last line names it. */
const BAD_SYSCTL = 13;
/** The file is there always, and hostname(1) not; but the file is the machine's root's, whoever made the namespace. */
const SET_HOSTNAME = `if [ -w /proc/sys/kernel/hostname ]; then printf %s "$1" > /proc/sys/kernel/hostname
elif command -v hostname >/dev/null; then hostname "$1"
else busybox hostname "$1"; fi`;
const BRING_LO_UP = `if command -v ip >/dev/null; then exec ip link set lo up; fi
if command -v busybox >/dev/null; then exec busybox ip link set lo up; fi
exit ${NO_IP}`;

/**
 * Makes the namespaces of one owner in one unshare(1): loopback up, host name set.
 * @throws HOST_LACKS, NOT_PERMITTED, OUT_OF_RESOURCES, BUG (a kind that needs a process); then none of them is left
 */
export async function pinNamespaces(pins: readonly PinnedNamespace[]): Promise<void> {
  const missing = pins.filter((pin) => !isPinned(pin.file));
  if (missing.length === 0) return;
  const what = `namespaces of ${missing[0]?.owner} (${missing.map((pin) => pin.kind).join(", ")})`;
  if (!missing.every((pin) => MAKEABLE.includes(pin.kind))) {
    throw new PeapodError("BUG", `${what}: some cannot be made before a process is in them`);
  }
  for (const pin of missing) makePinFile(pin.file);
  const done = await swiftCall({
    program: "unshare",
    args: makeUnshareArgs(missing),
    env: TOOL_ENVIRONMENT,
    timeoutMs: TIMEOUT_MS,
  });
  if (done.exitCode === 0) return;
  // unshare binds before our script runs: a pin without its loopback must not look like a finished one.
  await unpinNamespaces(missing.map((pin) => pin.file));
  if (done.exitCode === NO_IP) {
    throw new PeapodError("HOST_LACKS", `${what}: nothing here can bring the loopback interface up`, {
      hint: "install iproute2",
    });
  }
  if (done.exitCode === BAD_SYSCTL) throw makeSysctlError(missing, done.stderr);
  throw makeToolError(what, "unshare", "util-linux", done);
}

export function makeUnshareArgs(pins: readonly PinnedNamespace[]): string[] {
  const args = pins.map((pin) => `--${pin.kind}=${pin.file}`);
  const offsets = pins.find((pin) => pin.kind === "time")?.offsets;
  if (offsets) args.push("--monotonic", String(offsets.monotonic), "--boottime", String(offsets.boottime));
  const hostname = pins.find((pin) => pin.kind === "uts")?.hostname;
  const script = [
    ...(hostname === undefined ? [] : [SET_HOSTNAME]),
    ...pins.flatMap((pin) => Object.entries(pin.sysctls ?? {}).map(writeSysctl)),
    ...(pins.some((pin) => pin.kind === "net") ? [BRING_LO_UP] : []),
  ];
  if (script.length === 0) return [...args, "--", "true"];
  return [...args, "--", "sh", "-ec", script.join("\n"), "peapod", ...(hostname === undefined ? [] : [hostname])];
}

/** In the script's own namespaces; /proc/sys shows those of who opens it, whichever /proc it is. */
function writeSysctl([name, value]: [string, string]): string {
  const file = quote(`/proc/sys/${swapDotsAndSlashes(name)}`);
  return `{ printf %s ${quote(value)} > ${file}; } || { echo ${quote(name)} >&2; exit ${BAD_SYSCTL}; }`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function makeSysctlError(pins: readonly PinnedNamespace[], stderr: string): PeapodError {
  const lines = stderr.trim().split("\n");
  const name = lines.at(-1) ?? "";
  const value = pins.find((pin) => pin.sysctls?.[name] !== undefined)?.sysctls?.[name] ?? "";
  const isMissing = /no such file|nonexistent|cannot create/i.test(stderr) && !/invalid argument/i.test(stderr);
  const why = isMissing ? "a namespace of this kernel has no such parameter" : `the kernel does not take ${value}`;
  return new PeapodError("BAD_MANIFEST", `sysctl ${name}: ${why}`, { detail: { stderr } });
}

/**
 * Binds a namespace of a living process on a file, for those who join it.
 * @throws WRONG_STATE where the process has ended, NOT_SUPPORTED for a mount namespace, HOST_LACKS, NOT_PERMITTED
 */
export async function pinFromProcess(pin: PinnedNamespace, pid: number): Promise<void> {
  if (isPinned(pin.file)) return;
  const what = `namespace ${pin.kind} of ${pin.owner}`;
  // The kernel refuses it on a shared mount, which / is wherever systemd rules.
  if (pin.kind === "mnt") throw new PeapodError("NOT_SUPPORTED", `${what}: a mount namespace cannot be pinned`);
  makePinFile(pin.file);
  const done = await swiftCall({
    program: "mount",
    // The source is a magic link: resolved as a path it would lead nowhere.
    args: ["--no-canonicalize", "--bind", `/proc/${pid}/ns/${pin.kind}`, pin.file],
    env: TOOL_ENVIRONMENT,
    timeoutMs: TIMEOUT_MS,
  });
  if (done.exitCode === 0) return;
  rmSync(pin.file, { force: true });
  if (/does not exist|no such/i.test(done.stderr)) {
    throw new PeapodError("WRONG_STATE", `${what}: cannot be kept, its process has ended`, {
      detail: { pid, stderr: done.stderr },
    });
  }
  throw makeToolError(what, "mount", "mount", done);
}

/** Lets namespaces go and removes their files; a file that pins nothing, or is not there, is no error. */
export async function unpinNamespaces(files: readonly string[]): Promise<void> {
  await unmount(() => files.filter(isPinned).map((file) => realpathSync(file)));
  for (const file of files) rmSync(file, { force: true });
}

function makePinFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, "a", 0o600));
}
