// What pods use, told without waking anybody; and the live view on a real terminal, which it leaves as it found it.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import type { PodName } from "../../src/base/names.ts";
import { makePodPaths } from "../../src/base/paths.ts";
import { isV2 } from "../support/cgroup-files.ts";
import { BIN, testWithPeapod } from "../support/peapod-host.ts";
import { hasPty, startInPty } from "../support/pty.ts";
import { waitUntil } from "../support/wait-until.ts";

const PEAPOD = join(BIN, "peapod");
const BACK = "\u001b[?1049l";
const skip = !hasPty && "script(1) is not installed";

testWithPeapod("stats tells what each container uses, and wakes no supervisor", async (t, host) => {
  const pod = host.aPod({
    containers: [
      { name: "busy", run: "while :; do :; done", resources: { limits: { cpu: "200m", memory: "32Mi" } } },
      { name: "calm" },
    ],
  });
  await host.must("run", "-d", pod.file);
  const asleep = join(makePodPaths(host.root, pod.name as PodName).dir, "asleep");
  await waitUntil("the supervisor sleeps", () => existsSync(asleep), 20_000);
  const [line = ""] = (await host.must("stats", "--no-stream", "--format", "json", pod.name)).trim().split("\n");
  const stats = JSON.parse(line);
  t.ok(existsSync(asleep), "it sleeps on");
  const [busy, calm] = stats.containers;
  t.match(stats, { pod: pod.name, status: "running", netReceivedBytes: 0, netSentBytes: 0 });
  t.ok(busy.cpuPercent > 2 && busy.cpuPercent < 60, `${busy.cpuPercent}%`);
  t.ok(calm.cpuPercent < 5, `${calm.cpuPercent}%`);
  t.equal(busy.memoryLimitBytes, 32 << 20);
  t.ok(busy.memoryBytes > 0 && busy.pids >= 1 && busy.pidsLimit === 2048);
  t.equal(calm.pids, 1);
  if (isV2) t.type(busy.pressure.cpu, "number");
  else t.equal(busy.pressure, null, "version 1 has no pressure of one cgroup");
  t.match(await host.must("stats", "--no-stream"), new RegExp(`${pod.name} .*\n.* busy .*\n.* calm `));
  t.match((await host.peapod("stats", "--no-stream", "nobody")).err, /pod nobody: does not exist/);
});

testWithPeapod("a stream of stats ends with its pod", async (t, host) => {
  const pod = host.aPod({ containers: 1 });
  await host.must("run", "-d", pod.file);
  const stream = host.start(["stats", "-i", "0.2", pod.name]);
  await waitUntil("two looks", () => stream.said.out.split(`${pod.name}/c1 cpu=`).length > 2, 20_000);
  await host.must("delete", "-f", pod.name);
  t.equal((await stream.ended).code, 0);
});

testWithPeapod(
  "top shows pods, heeds keys and size, and gives the terminal back",
  async (t, host) => {
    const pod = host.aPod({ name: "shop", containers: [{ name: "server" }, { name: "client" }] });
    await host.must("run", "-d", pod.file);
    const pty = await startInPty(`${PEAPOD} --root ${host.root} top -i 0.2`, host.dir);
    await waitUntil("the pod is there", () => pty.text.includes("▸ shop"), 20_000);
    t.ok(pty.text.includes("\u001b[?1049h"), "on a screen of its own");
    pty.press("\r");
    await waitUntil("its containers are", () => pty.text.includes("    server"), 20_000);
    pty.press("m");
    await waitUntil("it is sorted", () => pty.text.includes("by memory"), 20_000);
    const before = pty.text.length;
    pty.resize(40, 8);
    await waitUntil(
      "it is drawn anew",
      () => pty.text.slice(before).includes("arrows move  enter open  e all  sort: c…"),
      20_000,
    );
    pty.press("q");
    t.same(await pty.ended(), { status: 0, isRestored: true });
    t.ok(pty.text.trimEnd().endsWith(BACK));
  },
  { skip },
);

for (const [signal, status] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
  ["SIGHUP", 129],
] as const) {
  testWithPeapod(
    `top gives the terminal back when ${signal} ends it`,
    async (t, host) => {
      const pty = await startInPty(`${PEAPOD} --root ${host.root} top`, host.dir);
      await waitUntil("it is there", () => pty.text.includes("peapod top"), 20_000);
      process.kill(pty.pid(), signal);
      t.same(await pty.ended(), { status, isRestored: true });
      t.ok(pty.text.includes(BACK));
    },
    { skip },
  );
}

t.test("a crash gives the terminal back, too", { skip }, async (t) => {
  const dir = t.testdir();
  const terminal = fileURLToPath(new URL("../../src/doors/cli/screen.ts", import.meta.url));
  const script = join(dir, "crash.ts");
  writeFileSync(
    script,
    `import { openScreen } from ${JSON.stringify(terminal)};
openScreen();
setTimeout(() => { throw new Error("a bug"); }, 50);
`,
  );
  const pty = await startInPty(`${process.execPath} ${script}`, dir);
  t.match(await pty.ended(), { isRestored: true });
  t.ok(pty.text.includes(BACK));
});
