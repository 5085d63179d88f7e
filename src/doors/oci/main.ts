// The process behind peapod-oci's create: makes the members of a pod in the container that runc has just made for the
// caller. Started by create.c, which waits for the answer; what goes on afterwards is the pod's supervisor.

import { appendFileSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { asPeapodError, type PeapodError } from "../../base/errors.ts";
import { DEFAULT_ROOT } from "../../base/paths.ts";
import { FD, openLauncher } from "../../engine/reaper-link.ts";

const FAILED = 1;

export async function main(argv: readonly string[]): Promise<void> {
  const [verb, ...words] = argv;
  // systemd's own tools would tell the caller's service manager how they ended.
  delete process.env.NOTIFY_SOCKET;
  if (verb === "supervise") {
    const { supervise } = await import("../../engine/supervise.ts");
    return supervise(words[0] ?? "", scriptPath());
  }
  if (verb === "create") return create(words);
}

/** In create.c's order. */
async function create(words: readonly string[]): Promise<void> {
  const [name = "", dir = "", bundle = "", pid = "", file = "", manifest = "", log = "", format = ""] = words;
  const launcher = openLauncher();
  try {
    const { openEngine } = await import("../../engine/open-engine.ts");
    const options = {
      root: resolve(process.env.PEAPOD_ROOT || DEFAULT_ROOT),
      runtime: process.env.PEAPOD_OCI_RUNTIME || "runc",
      cgroupDriver: "cgroupfs",
    } as const;
    const engine = openEngine(options, { script: scriptPath(), launcher });
    const outer = { dir, bundle, pid: Number(pid), manifest };
    await engine.up({ file, name, start: false, signal: launcher.gone, outer });
    launcher.answer(0);
  } catch (error) {
    tell(asPeapodError(error, `container ${name}`), log, format === "json");
    launcher.answer(FAILED);
    process.exit(FAILED);
  }
}

/** Callers read runc's own words: Docker makes 126 and 127 of them, podman an error class. So they follow our sentence. */
function makeText({ message, hint, detail }: PeapodError): string {
  const words = (detail as { lastWords?: string } | undefined)?.lastWords ?? "";
  const withHint = hint === undefined ? message : `${message}; ${hint}`;
  return words === "" || message.includes(words) ? withHint : `${withHint}: ${words}`;
}

/** As runc does: a line in its log where there is one, and the sentence on stderr, which callers show their users. */
function tell(error: PeapodError, log: string, isJson: boolean): void {
  const text = makeText(error);
  const time = new Date().toISOString();
  try {
    if (log !== "") {
      const line = isJson
        ? JSON.stringify({ level: "error", msg: text, time })
        : `time="${time}" level=error msg=${JSON.stringify(text)}`;
      appendFileSync(log, `${line}\n`);
    }
    writeSync(FD.userErr, log === "" ? `peapod-oci: ${text}\n` : `${text}\n`);
  } catch {
    // Nobody listens any more.
  }
}

function scriptPath(): string {
  return resolve(process.argv[1] ?? "");
}

void main(process.argv.slice(2));
