// Promise: whoever of a user's pod is killed, at whichever moment, `delete --force` (and `doctor --fix`, where no pod is
// left to be deleted) ends every process and takes every file away.

import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { testAsUser, type UserHost } from "../support/a-user.ts";
import { killIfThere, readIfAny } from "../support/if-any.ts";
import { waitUntil } from "../support/wait-until.ts";

const hasRoute = /^\S+\t00000000\t/m.test(readIfAny("/proc/net/route"));
const KINDS = ["pasta", "slirp4netns"];

function lacks(kind: string): string | false {
  return existsSync(`/usr/bin/${kind}`) && existsSync("/dev/net/tun") && hasRoute ? false : `no ${kind} here`;
}

/** By what stands first on its command line, since pasta renames itself. */
function pidsOf(host: UserHost, program: RegExp): number[] {
  return host.pids().filter((pid) => program.test(readIfAny(`/proc/${pid}/cmdline`).split("\0")[0] ?? ""));
}

const UPLINK = /\/(pasta|slirp4netns)[^/]*$/;
const HOLDER = /\/peapod-rootless$/;
/** What a user who has had enough might name. */
const PEAPOD = /\/(peapod-[a-z]+|node|runc|pasta[^/]*|slirp4netns)$|^runc/;

function isOf(host: UserHost, what: string, launcher: number | undefined): number[] {
  const reaper = () => pidsOf(host, /\/peapod-reaper$/).filter((pid) => pid !== launcher);
  const supervisor = () => pidsOf(host, /\/node$/).filter((pid) => pid !== launcher);
  if (what === "launcher") return launcher === undefined ? [] : [launcher];
  if (what === "supervisor") return supervisor();
  if (what === "reaper") return reaper();
  if (what === "both") return [...reaper(), ...supervisor()];
  if (what === "holder") return pidsOf(host, HOLDER);
  if (what === "uplink") return pidsOf(host, UPLINK);
  return pidsOf(host, PEAPOD);
}

/** Not those of the container: they have no name of ours. */
async function killAllOfPeapod(host: UserHost): Promise<void> {
  await waitUntil("none of peapod's is left", () => {
    const found = pidsOf(host, PEAPOD);
    for (const pid of found) killIfThere(pid);
    return found.length === 0;
  });
}

const VICTIMS = ["launcher", "supervisor", "reaper", "both", "holder", "uplink", "all"];
const MOMENTS_MS = [0, 3, 10, 30, 60, 100, 150, 200, 300];

for (const kind of KINDS) {
  testAsUser(
    `with ${kind}: killed at many moments of the ways up and down, a pod leaves nothing`,
    async (t, host) => {
      host.network = kind;
      for (const [round, victim] of VICTIMS.entries()) {
        const pod = host.aPod({ containers: [{ name: "web" }], spec: { shareProcessNamespace: round % 2 === 1 } });
        const verb = [["run", "-d"], ["create"], ["run"]][round % 3] ?? [];
        const moment = MOMENTS_MS[(round * 4 + process.pid) % MOMENTS_MS.length] ?? 0;
        const running = host.start([...verb, pod.file]);
        let isOver = false;
        void running.ended.then(() => {
          isOver = true;
        });
        await waitUntil("it is there", () => isOver || isOf(host, victim, running.child.pid).length > 0);
        await sleep(moment);
        for (const pid of isOf(host, victim, running.child.pid)) killIfThere(pid);
        // One that runs in the foreground would stay.
        if (verb.length === 1 && verb[0] === "run") {
          await sleep(MOMENTS_MS[round] ?? 0);
          running.child.kill("SIGKILL");
        }
        const { err } = await running.ended;
        t.notMatch(err, "fault of peapod", `${victim} at ${moment}`);
        const deleting = host.start(["delete", "--force", pod.name]);
        await sleep(moment);
        for (const pid of isOf(host, victim, deleting.child.pid)) killIfThere(pid);
        await deleting.ended;
        await host.peapod("delete", "--force", pod.name);
        await host.noLeftovers(t);
      }
    },
    { skip: lacks(kind) },
  );

  testAsUser(
    `with ${kind}: an uplink that nobody wrote down ends with its pod, or by doctor`,
    async (t, host) => {
      host.network = kind;
      const pod = host.aPod({ containers: [{ name: "web" }] });
      const dir = join(host.root, "pods", pod.name);
      await host.must("run", "-d", pod.file);
      rmSync(join(dir, "uplink"), { recursive: true });
      await host.must("delete", "--force", pod.name);
      await host.noLeftovers(t);

      await host.must("run", "-d", pod.file);
      for (const what of ["both", "holder"]) for (const pid of isOf(host, what, undefined)) killIfThere(pid);
      await waitUntil("they are dead", () => isOf(host, "both", undefined).length === 0);
      rmSync(join(host.root, "pods"), { recursive: true, force: true, maxRetries: 3 });
      await host.must("doctor", "--fix");
      await host.noLeftovers(t);
    },
    { skip: lacks(kind) },
  );
}

testAsUser(
  "an uplink whose supervisor died before it had asked for all ports is started anew, with them",
  async (t, host) => {
    host.network = "slirp4netns";
    const port = 33_000 + (process.pid % 10_000);
    const run = "mkdir /tmp/www; echo hello > /tmp/www/index.html; exec httpd -f -p 80 -h /tmp/www";
    const pod = host.aPod({ containers: [{ name: "web", run }] });
    await host.must("run", "-d", "-p", `127.0.0.1:${port}:80`, pod.file);
    const [first] = pidsOf(host, UPLINK);
    rmSync(join(host.root, "pods", pod.name, "uplink", "carries"));
    await waitUntil("there is another", async () => {
      // Whoever is asked to change anything is a new supervisor, once the last one sleeps.
      await host.must("kill", "--signal", "CONT", pod.name);
      const found = pidsOf(host, UPLINK);
      return found.length === 1 && found[0] !== first;
    });
    await waitUntil("it answers", async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
      return (await answer?.text()) === "hello\n";
    });
    await host.must("delete", "--force", pod.name);
    await host.noLeftovers(t);
  },
  { skip: lacks("slirp4netns") },
);

testAsUser(
  "with all of peapod killed, the containers alone keep the namespace, and end when asked to",
  async (t, host) => {
    const containers = [{ name: "web", run: "(sleep 5151 &); exec sleep 1000" }];
    const pods = [host.aPod({ containers }), host.aPod({ containers, spec: { hostPID: true } })];
    for (const { file } of pods) await host.must("run", "-d", file);
    await waitUntil("the strays sleep", () => host.pids().filter((pid) => isSleep(pid, "5151")).length === 2);
    await killAllOfPeapod(host);
    const left = host.pids();
    t.equal(left.length, 4, "its containers run on");
    const listed = await host.must("list");
    for (const { name } of pods) t.match(listed, new RegExp(`^${name} .*running`, "m"));
    t.equal(await host.must("exec", "pod1", "--", "echo", "still"), "still\n");
    await host.must("delete", "--force", "pod1", "pod2");
    await host.noLeftovers(t);
  },
);

testAsUser("with all of peapod and the pod's directory gone, doctor ends what runs", async (t, host) => {
  const pod = host.aPod({ containers: [{ name: "web" }] });
  await host.must("run", "-d", pod.file);
  await killAllOfPeapod(host);
  host.run("rm", "-rf", join(host.root, "pods"));
  t.match(await host.must("doctor", "--fix"), /pod1 +process .*removed/);
  await host.noLeftovers(t);
});

testAsUser("a pause process whose maker was killed before it told of it has an end that is known", async (t, host) => {
  const runtime = join(host.dir, "slow-runc");
  const mark = join(host.dir, "made");
  // Makes it, and has not ended when it is killed.
  writeFileSync(
    runtime,
    `#!/bin/sh
case "$*" in
*create*_pause* | *run*_pause*) [ -e ${mark} ] || { runc "$@"; touch ${mark}; exec sleep 1000; } ;;
esac
exec runc "$@"
`,
  );
  chmodSync(runtime, 0o755);
  const pod = host.aPod({ containers: [{ name: "web" }], spec: { shareProcessNamespace: true } });
  const running = host.start(["run", "-d", pod.file], { env: { PEAPOD_RUNTIME: runtime } });
  await waitUntil("it is made", () => existsSync(mark));
  for (const pid of isOf(host, "both", undefined)) killIfThere(pid);
  for (const pid of host.pids().filter((one) => isSleep(one, "1000"))) killIfThere(pid);
  await running.ended;
  await host.must("delete", "--force", pod.name);
  await host.noLeftovers(t);
});

function isSleep(pid: number, seconds: string): boolean {
  return readIfAny(`/proc/${pid}/cmdline`) === `sleep\0${seconds}\0`;
}
