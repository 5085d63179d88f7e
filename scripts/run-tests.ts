// Runs test files side by side, each as a program of its own (they print TAP), and says nothing of what passes.
// Counts sentences: the outermost test points of each file. usage: run-tests.ts [--jobs N] [--counts FILE] [--progress] PATH...

import { spawn } from "node:child_process";
import { appendFileSync, readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type FileReport, parseReport } from "./tap-report.ts";

/** As in test/support/slowness.ts. */
const SLOWNESS = Number(process.env.PEAPOD_TEST_SLOWNESS || 1);
/** Of one file. Longer than the slowest takes on a slow machine; then it hangs. */
const FILE_DEADLINE_MS = 15 * 60_000 * SLOWNESS;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { jobs: { type: "string" }, counts: { type: "string" }, progress: { type: "boolean" } },
    allowPositionals: true,
  });
  const files = positionals.flatMap(findTests);
  const jobs = Number(values.jobs ?? availableParallelism());
  const total = { passed: 0, failed: 0, skipped: 0 };
  const runNext = async (): Promise<void> => {
    for (let file = files.shift(); file !== undefined; file = files.shift()) {
      const startMs = Date.now();
      const report = await runFile(file);
      tell(file, report);
      if (values.progress) tellProgress(file, report, Date.now() - startMs);
      total.passed += report.passed;
      total.failed += report.failures.length;
      total.skipped += report.skips.length;
    }
  };
  await Promise.all(Array.from({ length: jobs }, runNext));
  const line = `${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`;
  if (values.counts === undefined) process.stdout.write(`${line}\n`);
  else appendFileSync(values.counts, `${total.passed} ${total.failed} ${total.skipped}\n`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

function findTests(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .sort()
    .map((name) => join(path, name));
}

function runFile(file: string): Promise<FileReport> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", file], {
      stdio: ["ignore", "pipe", "pipe"],
      // tap ends a test after 30 s unless told; the deadlines of integration tests are their own.
      env: { TAP_TIMEOUT: String(600 * SLOWNESS), ...process.env },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const deadline = setTimeout(() => child.kill("SIGKILL"), FILE_DEADLINE_MS);
    child.once("close", (code, signal) => {
      clearTimeout(deadline);
      resolve(parseReport(stdout, stderr, signal ?? code ?? "unknown"));
    });
  });
}

function tell(file: string, report: FileReport): void {
  for (const failure of report.failures) process.stdout.write(`\nFAILED ${file}: ${failure}\n`);
  for (const skip of report.skips) process.stdout.write(`skipped ${file}: ${skip}\n`);
}

/** For who waits long. */
function tellProgress(file: string, { passed, failures, skips }: FileReport, tookMs: number): void {
  const counts = `${passed} passed, ${failures.length} failed, ${skips.length} skipped`;
  process.stdout.write(`${file}: ${counts} (${Math.round(tookMs / 1000)} s)\n`);
}

await main();
