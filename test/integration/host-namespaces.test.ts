// Real namespaces on real files: made, joined, left alone when there already, and gone without a trace.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import t from "tap";
import { unmountBelow } from "../../src/host/mounts.ts";
import { isPinned, readNamespaceIds, readPinnedId } from "../../src/host/namespace-ids.ts";
import { pinFromProcess, pinNamespaces, unpinNamespaces } from "../../src/host/namespaces.ts";
import type { PinnedNamespace } from "../../src/plan/plan.ts";
import { aTempDir } from "../support/temp-dir.ts";

const KINDS = ["net", "ipc", "uts", "time"] as const;

function pinsIn(dir: string, more: Partial<PinnedNamespace> = {}): PinnedNamespace[] {
  return KINDS.map((kind) => ({
    kind,
    owner: "pod",
    file: join(dir, "ns", `pod-${kind}`),
    from: "new",
    ...(kind === "uts" ? { hostname: "shop" } : {}),
    ...(kind === "time" ? { offsets: { monotonic: 0, boottime: 86_400_000 } } : {}),
    ...more,
  }));
}

function inside(pins: readonly PinnedNamespace[], script: string): string {
  return execFileSync("nsenter", [...pins.map((pin) => `--${pin.kind}=${pin.file}`), "--", "sh", "-c", script], {
    encoding: "utf8",
  });
}

t.test("namespaces are pinned in one go: loopback up, host name set, clock moved, and none of it ours", async (t) => {
  const pins = pinsIn(aTempDir(t, {}, unmountBelow));
  const before = readNamespaceIds("self");
  await pinNamespaces(pins);
  t.strictSame(readNamespaceIds("self"), before, "we ourselves stay where we were");
  for (const pin of pins) {
    t.ok(isPinned(pin.file), pin.kind);
    t.not(readPinnedId(pin.file), before[pin.kind], `${pin.kind} is a new one`);
  }
  t.match(inside(pins, "cat /sys/class/net/lo/flags /proc/net/fib_trie"), "127.0.0.1");
  t.equal(inside(pins, "cat /proc/sys/kernel/hostname"), "shop\n");
  t.not(hostname(), "shop");
  t.ok(Number(inside(pins, "cat /proc/uptime").split(" ")[0]) > 86_400_000);
});

t.test("what is pinned already is left as it is", async (t) => {
  const pins = pinsIn(aTempDir(t, {}, unmountBelow));
  await pinNamespaces(pins.slice(0, 2));
  const ids = pins.map((pin) => readPinnedId(pin.file));
  t.equal(ids[2], undefined);
  await pinNamespaces(pins);
  t.strictSame(
    pins.slice(0, 2).map((pin) => readPinnedId(pin.file)),
    ids.slice(0, 2),
  );
  t.ok(pins.every((pin) => isPinned(pin.file)));
});

t.test("unpinning leaves neither mount nor file, and may be done again", async (t) => {
  const pins = pinsIn(aTempDir(t, {}, unmountBelow));
  const files = pins.map((pin) => pin.file);
  await pinNamespaces(pins);
  await unpinNamespaces(files);
  t.notOk(files.some((file) => existsSync(file)));
  await t.resolves(unpinNamespaces(files));
});

t.test("when one cannot be made none is left", async (t) => {
  // More than any clock of Linux can hold.
  const pins = pinsIn(aTempDir(t, {}, unmountBelow), { offsets: { monotonic: 0, boottime: 1e12 } });
  await t.rejects(pinNamespaces(pins), { code: "HOST_LACKS", message: /^namespaces of pod \(net, ipc, uts, time\): / });
  t.notOk(pins.some((pin) => existsSync(pin.file)));
});

t.test("a namespace of a process outlives it on a file", async (t) => {
  const child = spawn("unshare", ["--uts", "--ipc", "sleep", "60"], { stdio: "ignore" });
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  const own = readNamespaceIds("self");
  while (readNamespaceIds(pid).uts === own.uts) await new Promise((resolve) => setTimeout(resolve, 5));
  const [pin] = pinsIn(aTempDir(t, {}, unmountBelow)).filter(({ kind }) => kind === "uts");
  if (pin === undefined) throw new Error("no pin");
  const id = readNamespaceIds(pid).uts;
  await pinFromProcess(pin, pid);
  await pinFromProcess(pin, pid);
  child.kill("SIGKILL");
  await once(child, "exit");
  t.equal(readPinnedId(pin.file), id);
  t.equal(statSync(pin.file).ino, id);
});

t.test("of a process that has ended nothing can be kept, and no file stays", async (t) => {
  const child = spawn("true");
  await once(child, "exit");
  const file = join(aTempDir(t), "pid");
  const pin: PinnedNamespace = { kind: "pid", owner: "pod", file, from: "new" };
  await t.rejects(pinFromProcess(pin, child.pid ?? 0), { code: "WRONG_STATE" });
  t.notOk(existsSync(file));
});

t.test("where / is shared, as systemd has it, pins are made and let go all the same", async (t) => {
  const dir = aTempDir(t);
  const script = join(dir, "script.ts");
  const source = new URL("../../src/host/", import.meta.url);
  writeFileSync(
    script,
    `import { pinNamespaces, unpinNamespaces } from "${source}namespaces.ts";
     import { readMountTable } from "${source}mount-table.ts";
     const pins = ${JSON.stringify(pinsIn(dir))};
     const count = () => readMountTable().filter((mount) => mount.target.startsWith("${dir}/ns")).length;
     await pinNamespaces(pins);
     const made = count();
     await unpinNamespaces(pins.map((pin) => pin.file));
     console.log(made, count());`,
  );
  const out = execFileSync("unshare", ["--mount", "--propagation", "shared", process.execPath, script]);
  t.equal(out.toString(), `${KINDS.length} 0\n`);
});
