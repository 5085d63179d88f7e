// Promise: whoever is killed in the middle of a network's ADD or DEL (supervisor, reaper, caller, plugin, the machine), the
// pod comes to the end that was asked for, and in the end no address, rule or interface is left.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { ATTACHMENTS_DIR } from "../../src/base/paths.ts";
import { cgroupPathOf } from "../support/cgroup-files.ts";
import { killIfThere, readIfAny } from "../support/if-any.ts";
import { type OwnNetworks, readAddresses, readRules, testWithNetworks } from "../support/networks.ts";
import { reaperOf, supervisorOf } from "../support/own-processes.ts";
import type { PeapodHost, PodFile } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

t.setTimeout(900_000);

/** Stands in the middle of what `stay` names until it is told to go on, and tells of both ends. */
function slowPlugin(networks: OwnNetworks): void {
  networks.plugin(
    "slow",
    `tell "$CNI_COMMAND begins"
while [ -e ${networks.dir}/stay-$CNI_COMMAND ]; do sleep 0.02; done
[ "$CNI_COMMAND" = ADD ] && printf '{"cniVersion":"1.0.0","ips":[{"address":"10.9.9.9/24"}]}'
tell "$CNI_COMMAND ends"
`,
  );
  networks.list("10-slow.conflist", { cniVersion: "1.0.0", name: "slow", plugins: [{ type: "slow" }] });
}

/** A pod whose way up has come to its plugin's ADD, where it stays. */
async function comeToAdd(host: PeapodHost, networks: OwnNetworks) {
  slowPlugin(networks);
  networks.mark("stay-ADD");
  const pod = host.aPod();
  const running = host.start(["run", "-d", pod.file]);
  await waitUntil("ADD has begun", () => networks.told().includes("ADD begins"));
  return { pod, running };
}

async function killSupervisor(host: PeapodHost, pod: PodFile): Promise<void> {
  const pid = supervisorOf(host, pod);
  if (pid === undefined) throw new Error("there is no supervisor to be killed");
  killIfThere(pid);
  await waitUntil("another one is there", () => ![undefined, pid].includes(supervisorOf(host, pod)));
}

testWithNetworks(
  "a supervisor that is killed in ADD: the plugin ends, its work is undone, and done again",
  async (t, host, networks) => {
    const { pod, running } = await comeToAdd(host, networks);
    await killSupervisor(host, pod);
    t.same(networks.told(), ["ADD begins"], "nobody does anything while the plugin runs");
    networks.unmark("stay-ADD");
    t.match(await running.ended, { code: 0 });
    t.same(networks.told(), ["ADD begins", "ADD ends", "DEL begins", "DEL ends", "ADD begins", "ADD ends"]);
    t.equal((await host.shown(pod)).podIP, "10.9.9.9");
  },
  { needs: "nothing" },
);

testWithNetworks(
  "a supervisor that is killed in ADD of a plugin that hangs: that is ended at its deadline",
  async (t, host, networks) => {
    const { pod, running } = await comeToAdd(host, networks);
    await killSupervisor(host, pod);
    await waitUntil("the next one has given up on it", () => networks.told().includes("DEL begins"));
    networks.unmark("stay-ADD");
    t.match(await running.ended, { code: 0 });
    t.same(networks.told(), ["ADD begins", "DEL begins", "DEL ends", "ADD begins", "ADD ends"]);
  },
  { needs: "nothing", env: { PEAPOD_CNI_TIMEOUT: "3" } },
);

testWithNetworks(
  "a supervisor that is killed in DEL is followed by one that asks again",
  async (t, host, networks) => {
    slowPlugin(networks);
    const pod = host.aPod();
    await host.must("run", "-d", pod.file);
    networks.mark("stay-DEL");
    const deleting = host.start(["delete", "--force", pod.name]);
    await waitUntil("DEL has begun", () => networks.told().includes("DEL begins"));
    await killSupervisor(host, pod);
    networks.unmark("stay-DEL");
    t.match(await deleting.ended, { code: 0 });
    t.same(networks.told().slice(2), ["DEL begins", "DEL ends", "DEL begins", "DEL ends"]);
  },
  { needs: "nothing" },
);

testWithNetworks(
  "reaper and supervisor killed in ADD: who deletes the pod waits for the plugin and gives all back",
  async (t, host, networks) => {
    networks.plugin(
      "wait",
      `[ "$CNI_COMMAND" = ADD ] || exit 0
tell begins; while [ -e ${networks.dir}/stay ]; do sleep 0.02; done
printf %s "$config" | sed 's/.*"prevResult"://; s/}$//'`,
    );
    const plugins = [networks.bridge(), { type: "firewall" }, { type: "wait" }];
    networks.list("10-blue.conflist", { cniVersion: "1.0.0", name: "blue", plugins });
    networks.mark("stay");
    const pod = host.aPod({ name: `r${process.pid}` });
    const running = host.start(["run", "-d", pod.file]);
    await waitUntil("the bridge has given an address", () => networks.told().includes("begins"));
    const reaper = reaperOf(host, pod);
    const supervisor = supervisorOf(host, pod);
    for (const pid of [reaper, supervisor]) if (pid !== undefined) killIfThere(pid);
    t.not((await running.ended).code, 0);
    t.equal(readAddresses(networks).length, 2, "IPv4 and IPv6 are given away");
    const deleting = host.start(["delete", "--force", pod.name]);
    await waitUntil("a new supervisor sees to it", () => supervisorOf(host, pod) !== undefined);
    networks.unmark("stay");
    t.match(await deleting.ended, { code: 0 });
    t.same(readAddresses(networks), []);
    t.same(readRules(`${pod.name}-`), [], "no rule bears its name");
  },
);

testWithNetworks(
  "reaper and supervisor killed while it runs: who deletes it leaves the network",
  async (t, host, networks) => {
    networks.list("10-blue.conflist", {
      cniVersion: "1.0.0",
      name: "blue",
      plugins: [networks.bridge(), { type: "firewall" }],
    });
    const pod = host.aPod({ name: `d${process.pid}` });
    await host.must("run", "-d", pod.file);
    const pids = [reaperOf(host, pod), supervisorOf(host, pod)];
    for (const pid of pids) if (pid !== undefined) killIfThere(pid);
    await host.must("delete", "--force", pod.name);
    t.same(readAddresses(networks), []);
    t.same(readRules(`${pod.name}-`), []);
  },
);

testWithNetworks(
  "a caller who gives up in ADD gets his terminal back, and nothing is left",
  async (t, host, networks) => {
    const { running } = await comeToAdd(host, networks);
    running.child.kill("SIGINT");
    networks.unmark("stay-ADD");
    t.equal((await running.ended).code, 130);
    t.same(networks.told(), ["ADD begins", "ADD ends", "DEL begins", "DEL ends"]);
  },
  { needs: "nothing" },
);

testWithNetworks(
  "supervisors killed at any moment of the ways up and down leave nothing",
  async (t, host, networks) => {
    const plugins = [
      networks.bridge(),
      { type: "portmap", capabilities: { portMappings: true } },
      { type: "firewall" },
    ];
    networks.list("10-blue.conflist", { cniVersion: "1.0.0", name: "blue", plugins });
    let kills = 0;
    for (let round = 0; round < 10; round += 1) {
      // A name that no other test has, for its rules.
      const pod = host.aPod({ name: `k${process.pid}-${round}` });
      const killing = async (ended: Promise<unknown>) => {
        let isOver = false;
        void ended.finally(() => {
          isOver = true;
        });
        const seen = new Set<number>();
        while (!isOver && seen.size < 3) {
          const pid = supervisorOf(host, pod);
          if (pid !== undefined && !seen.has(pid)) {
            await sleep(Math.random() * 250);
            if (killIfThere(pid)) kills += 1;
            seen.add(pid);
          }
          await sleep(2);
        }
      };
      const up = host.start(["run", "-d", "-p", `${21_000 + (process.pid % 1000) * 10 + round}:80`, pod.file]).ended;
      await killing(up);
      const { code, err } = await up;
      // Before it had a plan: nothing is there, and the caller knows.
      if (code !== 0) t.notMatch(err, /BUG|fault of peapod/, `it never began: ${code}`);
      const down = host.start(["delete", "--force", pod.name]).ended;
      await killing(down);
      t.ok([0, 125].includes((await down).code ?? -1));
      await waitUntil("it is gone", async () => (await host.peapod("state", pod.name)).code === 125);
      t.same(readRules(`${pod.name}-`), [], "no rule bears its name");
    }
    t.ok(kills > 10, `${kills} were killed`);
    t.same(readAddresses(networks), []);
  },
);

testWithNetworks(
  "after a crash of the machine the next pod gives back what is on its disk",
  async (t, host, networks) => {
    networks.list("10-blue.conflist", {
      cniVersion: "1.0.0",
      name: "blue",
      plugins: [networks.bridge({ ipMasq: false })],
    });
    const lost = host.aPod();
    await host.must("run", "-d", lost.file);
    const [given] = (await host.shown(lost)).podIPs;
    crash(host, lost);
    t.ok(given, "the disk remembers its address, until the next pod comes, whoever's that is");
    const next = host.aPod();
    await host.must("run", "-d", next.file);
    const { podIPs } = await host.shown(next);
    t.same(readAddresses(networks).toSorted(), [...podIPs].toSorted(), "only the next one's are given away");
    crash(host, next);
    const told = await host.peapod("doctor");
    // Any new pod of this machine gives it back as well, and other tests have pods.
    if (readAddresses(networks).length > 0) t.match(told, { code: 1, out: /attachment .*left over: network blue/ });
    await host.must("doctor", "--fix");
    t.same(readAddresses(networks), [], "doctor does the same");
  },
);

testWithNetworks(
  "what was half written of a record when its writer was killed goes with the pod",
  async (t, host, networks) => {
    slowPlugin(networks);
    const pod = host.aPod();
    await host.must("run", "-d", pod.file);
    const { uid } = JSON.parse(readFileSync(join(host.root, "pods", pod.name, "plan.json"), "utf8")) as { uid: string };
    const record = readdirSync(ATTACHMENTS_DIR).find((name) => name.includes(`.${pod.name}-${uid}`));
    const half = join(ATTACHMENTS_DIR, `${record}.4194304-1.tmp`);
    writeFileSync(half, '{"version":');
    await host.must("delete", "--force", pod.name);
    t.notOk(existsSync(half));
  },
  { needs: "nothing" },
);

/** All that a reboot takes away goes; the record is of another boot then. */
function crash(host: PeapodHost, pod: PodFile): void {
  const dir = join(host.root, "pods", pod.name);
  const main = JSON.parse(readFileSync(join(dir, "plan.json"), "utf8")) as { readonly uid: string };
  for (const pid of [reaperOf(host, pod), supervisorOf(host, pod)]) if (pid !== undefined) killIfThere(pid);
  // By its whole path: other tests have pods of the same name.
  const cgroup = cgroupPathOf(host.root, pod.name, undefined);
  const cgroups = execFileSync("find", ["/sys/fs/cgroup", "-path", `*${cgroup}/*`, "-name", "cgroup.procs"], {
    encoding: "utf8",
  });
  const own = cgroups.split("\n").filter(Boolean);
  if (own.length === 0) throw new Error(`no cgroup ${cgroup}`);
  for (const pid of own.flatMap((path) => readIfAny(path).split("\n")).filter(Boolean)) killIfThere(Number(pid));
  for (const path of mountsBelow(dir)) execFileSync("umount", ["-l", path]);
  for (const path of own) rmdirQuietly(path);
  if (cgroup.endsWith(".slice")) execFileSync("systemctl", ["stop", basename(dirname(cgroup))]);
  rmSync(dir, { recursive: true, force: true });
  for (const name of readdirSync(ATTACHMENTS_DIR).filter((one) => one.includes(`${pod.name}-${main.uid}`))) {
    const later = `0badb007.${basename(name).split(".").slice(1).join(".")}`;
    const path = join(ATTACHMENTS_DIR, later);
    renameSync(join(ATTACHMENTS_DIR, name), path);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(name, later));
  }
}

function mountsBelow(dir: string): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const targets = lines.map((line) => line.split(" ")[4] ?? "").filter((path) => path.startsWith(`${dir}/`));
  return targets.reverse();
}

function rmdirQuietly(procs: string): void {
  try {
    execFileSync("rmdir", [procs.slice(0, procs.lastIndexOf("/"))], { stdio: "ignore" });
  } catch {
    // Busy for an instant; the test's end looks for what is left.
  }
}
