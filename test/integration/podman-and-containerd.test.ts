// What podman and containerd do with us as their runtime: with ordinary containers what they do with runc, with a pod's
// image what they do with one container.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { Containerd } from "../support/containerd.ts";
import { killIfThere } from "../support/if-any.ts";
import { PEAPOD_OCI, RUNC } from "../support/oci-script.ts";
import type { Ended, Test } from "../support/peapod-host.ts";
import { makePodManifest } from "../support/pod-image.ts";
import { Machine, makeBusyboxTree, Podman, whyNotWith, writeImageArchive } from "../support/podman.ts";
import { patient } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Ends when it is asked to, and says so. */
const OBEDIENT = "trap 'echo asked to end; exit 4' TERM; echo up; while :; do sleep 0.1; done";
const PLAIN = "localhost/plain:latest";
const POD = "localhost/pod:latest";
/** A pod whose second member reaches the first over the network that they share, and which ends with 5. */
const POD_MANIFEST = makePodManifest({
  spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 5 },
  containers: [
    {
      name: "web",
      run: "mkdir /tmp/w; echo from web >/tmp/w/index.html; httpd -h /tmp/w -p 80; trap 'echo web ends; exit 5' TERM; while :; do sleep 0.1; done",
    },
    {
      name: "side",
      run: "until wget -q -O - http://127.0.0.1/ 2>/dev/null; do sleep 0.1; done; trap 'exit 0' TERM; while :; do sleep 0.1; done",
    },
  ],
});

const NEVER = { restartPolicy: "Never" };

/** Both images as archives: what is in them, and their names. */
function writeImages(dir: string): { plain: string; podTree: string; pod: string } {
  const plain = writeImageArchive(makeBusyboxTree(join(dir, "plain"), "."), PLAIN, ["/bin/sleep", "1000"]);
  const podTree = makeBusyboxTree(join(dir, "pod"), "containers/web", "containers/side");
  mkdirSync(join(podTree, "etc/peapod"), { recursive: true });
  writeFileSync(join(podTree, "etc/peapod/pod.yaml"), POD_MANIFEST);
  return { plain, podTree, pod: writeImageArchive(podTree, POD, ["pod"]) };
}

// ---- podman ----

const withoutPodman = whyNotWith("podman", "conmon");

t.test("podman", { skip: withoutPodman, timeout: patient(280_000) }, async (t) => {
  const machine = await Machine.start();
  t.teardown(() => machine.remove());
  const images = writeImages(machine.dir);
  const podman = new Podman(machine, PEAPOD_OCI);
  await podman.must("load", "--input", images.plain);
  const before = machine.readTraces();
  /** What a test that failed has left does not trouble the next one. */
  const test = (sentence: string, body: (t: Test) => Promise<void>, options: { skip?: string | false } = {}) =>
    t.test(sentence, options, async (t) => {
      try {
        await body(t);
        await machine.isAsBefore(t, before);
      } finally {
        await podman.podman("pod", "rm", "--force", "--all", "--time", "0");
        await podman.podman("rm", "--force", "--all", "--time", "0");
      }
    });

  await test("an ordinary container is to podman what it is with runc", async (t) => {
    const plain = await tellOfPodman(new Podman(machine, RUNC!));
    const ours = await tellOfPodman(podman);
    for (const [index, line] of plain.entries()) t.strictSame(ours[index], line, String(line.what));
    t.equal(ours.length, plain.length, "both stories have the same length");
  });

  await test("a terminal is the container's, in the foreground and in exec", async (t) => {
    const run = await podman.podman("run", "--rm", "--tty", PLAIN, "sh", "-c", "tty; exit 3");
    t.match(run.out, /^\/dev\/(pts\/0|console)\r\n$/);
    t.equal(run.code, 3);
    await podman.must("run", "--detach", "--name", "one", PLAIN, "sh", "-c", OBEDIENT);
    t.match(await podman.must("exec", "--tty", "one", "tty"), /^\/dev\/pts\/\d\r\n$/);
    await podman.must("rm", "--force", "--time", "0", "one");
  });

  await test("podman's own pods work unchanged", async (t) => {
    await podman.must("pod", "create", "--name", "mine", "--network", "none", "--share", "net,ipc,uts");
    await podman.must(
      "run",
      "-d",
      "--pod",
      "mine",
      "--name",
      "web",
      PLAIN,
      "sh",
      "-c",
      "httpd -h /etc -p 80; exec sleep 1000",
    );
    const heard = await podman.must(
      "run",
      "--rm",
      "--pod",
      "mine",
      PLAIN,
      "wget",
      "-q",
      "-O",
      "-",
      "http://127.0.0.1/passwd",
    );
    t.match(heard, /^root:/, "its containers share a network");
    await podman.must("pod", "pause", "mine");
    t.equal(await podman.inspect("web", "{{.State.Status}}"), "paused");
    await podman.must("pod", "unpause", "mine");
    t.match(await podman.must("pod", "top", "mine", "comm"), /sleep/);
    await podman.must("pod", "stop", "--time", "0", "mine");
    await podman.must("pod", "start", "mine");
    t.equal(await podman.inspect("web", "{{.State.Status}}"), "running");
    await podman.must("pod", "rm", "--force", "--time", "0", "mine");
  });

  await test("kube play works unchanged", async (t) => {
    const file = join(machine.dir, "kube.yaml");
    const web = "mkdir /tmp/w; echo from web >/tmp/w/index.html; exec httpd -f -h /tmp/w -p 8080";
    const client = "until wget -q -O - http://127.0.0.1:8080/; do sleep 0.1; done; exec sleep 1000";
    const containers = Object.entries({ web, client }).map(([name, script]) => ({
      name,
      image: PLAIN,
      command: ["/bin/sh", "-c", script],
    }));
    const spec = { restartPolicy: "Never", terminationGracePeriodSeconds: 0, containers };
    writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "kube" }, spec }));
    const ids = (await podman.must("kube", "play", "--network", "none", file)).match(/[0-9a-f]{64}/g) ?? [];
    machine.mark(...ids);
    await waitUntil("they have spoken", async () =>
      (await podman.podman("logs", "kube-client")).out.includes("from web"),
    );
    t.match(await podman.must("exec", "kube-web", "cat", "/tmp/w/index.html"), /^from web$/m);
    await podman.must("pod", "rm", "--force", "--time", "0", "kube");
  });

  await t.test("podman builds a pod's image", async (t) => {
    const file = join(machine.dir, "Dockerfile");
    const lines = ["FROM scratch", "COPY containers /containers/", "COPY etc /etc/", 'CMD ["pod"]'];
    writeFileSync(file, `${lines.join("\n")}\n`);
    t.match(await podman.must("build", "--quiet", "--tag", POD, "--file", file, images.podTree), /^[0-9a-f]{64}$/m);
  });

  await test("a pod's image is one container: run, logs, exec, stop, exit code, start, rm", async (t) => {
    await podman.must("run", "--detach", "--name", "shop", POD);
    await waitUntil("it has spoken", async () => (await podman.podman("logs", "shop")).out.includes("side | from web"));
    const pid = await podman.inspect("shop", "{{.State.Pid}}");
    t.equal(readParent(pid), "conmon", "its process is podman's own child");
    t.equal(
      (await podman.must("exec", "shop", "cat", "/tmp/w/index.html")).trim(),
      "from web",
      "exec is in the first member",
    );
    const other = await podman.podman("exec", "--env", "PEAPOD_CONTAINER=side", "shop", "sh", "-c", "ls /tmp; exit 9");
    t.strictSame([other.code, other.out], [9, ""], "or in the one that is asked for");
    const nobody = await podman.podman("exec", "--env", "PEAPOD_CONTAINER=nobody", "shop", "true");
    t.match(nobody.err, /nobody/, "if there is one of this name");
    t.not(nobody.code, 0);
    t.match(await podman.must("ps"), /\bUp .*\bshop\b/);
    await podman.must("stop", "--time", "10", "shop");
    t.equal(await podman.inspect("shop", "{{.State.Status}} {{.State.ExitCode}}"), "exited 5", "the pod's result");
    t.match((await podman.podman("logs", "shop")).out, /^web \| web ends$/m, "and its last words");
    await podman.must("start", "shop");
    await waitUntil("it has spoken again", async () => {
      return (await podman.podman("logs", "shop")).out.split("side | from web").length === 3;
    });
    await podman.must("rm", "--force", "--time", "0", "shop");
  });

  await test("a pod's image in the foreground: its output, its end, its result", async (t) => {
    const run = podman.run(["run", "--rm", "--name", "shop", POD]);
    await waitUntil("it has spoken", () => run.said.out.includes("side | from web"));
    await podman.must("kill", "--signal", "TERM", "shop");
    const { code, out } = await run.ended;
    t.equal(code, 5);
    t.match(out, /^web \| web ends$/m);
  });

  await test("a pod's image is paused as a whole, and removed by force", async (t) => {
    await podman.must("run", "--detach", "--name", "shop", POD);
    await podman.must("pause", "shop");
    t.equal(await podman.inspect("shop", "{{.State.Status}}"), "paused");
    const members = await membersOf(machine);
    const work = members.map(readWork);
    await sleep(400);
    t.strictSame(members.map(readWork), work, "and stand still");
    await podman.must("unpause", "shop");
    await waitUntil("they go on", () => members.every((pid, index) => readWork(pid) !== work[index]));
    await podman.must("rm", "--force", "--time", "0", "shop");
  });

  await test("the truth is told of members that are killed", async (t) => {
    await podman.must("run", "--detach", "--name", "shop", POD);
    (await membersOf(machine)).forEach(killIfThere);
    t.equal((await podman.must("wait", "shop")).trim(), "137");
    t.equal(await podman.inspect("shop", "{{.State.Status}} {{.State.ExitCode}}"), "exited 137");
    await podman.must("rm", "shop");
  });

  await test("whatever of a pod is killed: podman hears of its end, and nothing is left after rm", async (t) => {
    const victims = ["/.peapod/sandbox", "peapod-reaper launch", "peapod-oci.cjs", "peapod-io"];
    for (const victim of victims) {
      await podman.must("run", "--detach", "--name", "shop", POD);
      machine.pidsOf(victim).forEach(killIfThere);
      await podman.must("stop", "--time", "5", "shop");
      t.equal(await podman.inspect("shop", "{{.State.Status}}"), "exited", `after ${victim} was killed`);
      await podman.must("rm", "shop");
      await machine.isAsBefore(t, before);
    }
  });

  await test("what podman mounts is in every member: volumes, secrets, tmpfs, hosts", async (t) => {
    writeFileSync(join(machine.dir, "word"), "told to nobody");
    await podman.must("secret", "create", "word", join(machine.dir, "word"));
    await podman.must("volume", "create", "shared");
    const mounts = [
      "--volume",
      "shared:/shared",
      "--secret",
      "word",
      "--tmpfs",
      "/scratch",
      "--add-host",
      "far:192.0.2.1",
    ];
    await podman.must("run", "--detach", "--name", "shop", ...mounts, POD);
    const inMember = async (member: string, script: string): Promise<string> =>
      await podman.must("exec", "--env", `PEAPOD_CONTAINER=${member}`, "shop", "sh", "-c", script);
    await inMember("web", "echo from web >/shared/file");
    t.equal(await inMember("side", "cat /shared/file /run/secrets/word"), "from web\ntold to nobody");
    for (const member of ["web", "side"]) {
      t.match(await inMember(member, "cat /etc/hosts"), /192\.0\.2\.1\s+far/);
      t.match(await inMember(member, "cat /proc/mounts"), /^tmpfs \/scratch /m);
    }
    await podman.must("rm", "--force", "--time", "0", "shop");
    await podman.must("volume", "rm", "shared");
    await podman.must("secret", "rm", "word");
  });

  await test("limits are the whole pod's, from its start and after an update; who is too greedy ends it", async (t) => {
    await podman.must("run", "--detach", "--name", "shop", "--memory", "64m", POD);
    await podman.must("update", "--memory", "32m", "shop");
    const eat = await podman.podman("exec", "shop", "tail", "/dev/zero");
    t.equal(eat.code, 137, "who eats more than the pod may have is killed");
    await podman.must("rm", "--force", "--time", "0", "shop");
  });

  await test("podman restarts a pod that failed, says who was too greedy, and asks for its health", async (t) => {
    const health = ["--health-cmd", "cat /tmp/w/index.html", "--health-interval", "disable"];
    await podman.must("run", "--detach", "--name", "shop", "--restart", "on-failure:1", ...health, POD);
    await waitUntil("it is well", async () => (await podman.podman("healthcheck", "run", "shop")).code === 0);
    (await membersOf(machine)).forEach(killIfThere);
    await waitUntil("it is started again", async () => (await podman.inspect("shop", "{{.RestartCount}}")) === "1");
    await waitUntil("it is well", async () => (await podman.podman("healthcheck", "run", "shop")).code === 0);
    await podman.must("rm", "--force", "--time", "0", "shop");
    const file = join(machine.dir, "greedy.yaml");
    writeFileSync(file, makePodManifest({ containers: [{ name: "web", run: ["tail", "/dev/zero"] }], spec: NEVER }));
    const ends = [];
    for (const words of [
      ["--volume", `${file}:/etc/peapod/pod.yaml`, POD],
      [PLAIN, "tail", "/dev/zero"],
    ]) {
      await podman.must("run", "--detach", "--name", "shop", "--memory", "64m", ...words);
      await podman.must("wait", "shop");
      ends.push(await podman.inspect("shop", "{{.State.ExitCode}} {{.State.OOMKilled}}"));
      await podman.must("rm", "shop");
    }
    t.match(ends[0], /^137 /);
    t.equal(ends[0], ends[1], "of a container it says the same");
  });

  await test("a pod with a terminal: its members speak to it", async (t) => {
    const run = podman.run(["run", "--rm", "--tty", "--name", "shop", POD]);
    await waitUntil("it has spoken", () => run.said.out.includes("side | from web"));
    await podman.must("kill", "--signal", "TERM", "shop");
    t.equal((await run.ended).code, 5);
    t.match(run.said.out, /web \| web ends\r\n/);
  });

  await test("the manifest may be mounted, and may be refused", async (t) => {
    const file = join(machine.dir, "pod.yaml");
    const one = makePodManifest({
      spec: NEVER,
      containers: [{ name: "web", run: "echo alone; exit 6" }],
    });
    writeFileSync(file, one);
    const mounted = await podman.podman("run", "--rm", "--volume", `${file}:/etc/peapod/pod.yaml:ro`, POD);
    t.strictSame([mounted.code, mounted.out], [6, "alone\n"], "the only member's output is told as it is");
    const named = await podman.podman("run", "--rm", "-v", `${file}:/pod:ro`, "-e", "PEAPOD_MANIFEST=/pod", POD);
    t.strictSame([named.code, named.out], [6, "alone\n"]);
    const none = await podman.podman(
      "run",
      "--rm",
      "-e",
      "PEAPOD_MANIFEST=none",
      POD,
      "/containers/web/bin/busybox",
      "ls",
    );
    t.strictSame([none.code, none.out], [0, "containers\ndev\netc\nproc\nrun\nsys\n"], "an ordinary container");
    const annotated = await podman.podman(
      "run",
      "--rm",
      "--annotation",
      "peapod/manifest=none",
      POD,
      "/containers/web/bin/true",
    );
    t.equal(annotated.code, 0, annotated.err);
    const missing = await podman.podman("run", "--rm", "-e", "PEAPOD_MANIFEST=/nowhere", POD);
    t.not(missing.code, 0);
    t.match(missing.err, /\/nowhere/);
    writeFileSync(file, "kind: Pod\nspec: {contaners: []}\n");
    const wrong = await podman.podman("run", "--rm", "--volume", `${file}:/etc/peapod/pod.yaml:ro`, POD);
    t.not(wrong.code, 0);
    t.match(wrong.err, /pod\.yaml:1:1 apiVersion: is missing/, "podman tells what is wrong with it");
  });

  await test("podman's monitor may be killed: nothing is left after rm", async (t) => {
    for (const image of [PLAIN, POD]) {
      await podman.must("run", "--detach", "--name", "shop", image);
      machine.pidsOf("conmon", "--name shop").forEach(killIfThere);
      await podman.must("rm", "--force", "--time", "0", "shop");
      await machine.isAsBefore(t, before);
    }
  });

  const inNetwork = async (t: Test): Promise<void> => {
    await podman.must("run", "--detach", "--network", "podman", "--name", "shop", POD);
    const address = await podman.inspect("shop", "{{.NetworkSettings.IPAddress}}");
    t.match(address, /^10\./);
    await waitUntil("it answers", async () => {
      const { out } = await machine.call(["/bin/busybox", "wget", "-q", "-O", "-", `http://${address}/`]);
      return out === "from web\n";
    });
    await podman.must("rm", "--force", "--time", "0", "shop");
  };
  await test("a pod is in the network that podman made for it", inNetwork, { skip: whyNoBridge() });
});

/** The same words to podman, whatever its runtime; what it answered, without ids. */
async function tellOfPodman(podman: Podman): Promise<{ what: string }[]> {
  const story: { what: string; [field: string]: unknown }[] = [];
  const note = (words: readonly string[], { code, out, err }: Ended): void => {
    const alike = (text: string) => text.replace(/[0-9a-f]{64}/g, "ID").replaceAll(podman.runtime, "RUNTIME");
    story.push({ what: words.join(" "), code, out: alike(out), err: alike(err) });
  };
  const call = async (...words: string[]): Promise<void> => note(words, await podman.podman(...words));
  const status = async (): Promise<void> =>
    await call("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}", "one");
  const logs = async (text: string): Promise<void> =>
    await waitUntil(`it says ${text}`, async () => (await podman.podman("logs", "one")).out.includes(text));

  await call("run", "--rm", PLAIN, "sh", "-c", "echo to stdout; echo to stderr >&2; exit 3");
  const interactive = ["run", "--rm", "--interactive", PLAIN, "cat"];
  note(interactive, await podman.run(interactive, "typed\n").ended);
  await call(
    "run",
    "--rm",
    "--user",
    "65534",
    "--env",
    "A=1",
    "--workdir",
    "/tmp",
    PLAIN,
    "sh",
    "-c",
    "id -u; echo $A; pwd",
  );
  await call("run", "--rm", PLAIN, "/no/such/program");
  await call("run", "--rm", PLAIN, "/etc");
  await call("run", "--rm", "--read-only", "--tmpfs", "/mnt", PLAIN, "sh", "-c", "touch /mnt/x && touch /x");
  await call(
    "run",
    "--rm",
    "--memory",
    "64m",
    "--pids-limit",
    "33",
    PLAIN,
    "sh",
    "-c",
    "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max",
  );
  await podman.must("run", "--detach", "--name", "one", PLAIN, "sh", "-c", OBEDIENT);
  await logs("up");
  await call("ps", "--format", "{{.Names}} {{.Image}} {{.Command}}");
  await call("exec", "one", "sh", "-c", "echo out; echo err >&2; exit 6");
  await call("exec", "one", "/no/such/program");
  await call("exec", "--user", "65534", "--workdir", "/tmp", "--env", "A=1", "one", "sh", "-c", "id -u; pwd; echo $A");
  await call("exec", "--detach", "one", "sh", "-c", "echo from exec >/tmp/there");
  await waitUntil("it is there", async () => (await podman.podman("exec", "one", "cat", "/tmp/there")).code === 0);
  const top = ["top", "one", "user", "args"];
  const processes = await podman.podman(...top);
  note(top, { ...processes, out: withoutPasserBy(processes.out) });
  await call("pause", "one");
  await status();
  await call("exec", "one", "true");
  await call("unpause", "one");
  await status();
  await call("stop", "--time", "10", "one");
  await status();
  await call("logs", "one");
  await call("start", "one");
  await status();
  await call("kill", "--signal", "KILL", "one");
  await call("wait", "one");
  await status();
  await call("restart", "one");
  await call("rm", "one");
  await call("rm", "--force", "--time", "0", "one");
  await podman.must("run", "--detach", "--name", "one", "--memory", "64m", PLAIN, "tail", "/dev/zero");
  await call("wait", "one");
  await status();
  await call("rm", "one");
  await podman.must("create", "--name", "one", PLAIN, "true");
  await call("init", "one");
  await status();
  await call("start", "--attach", "one");
  await call("rm", "one");
  await call("ps", "--all", "--quiet");
  return story;
}

/** OBEDIENT's child comes and goes; on its way to its program it still has its parent's words. */
function withoutPasserBy(lines: string): string {
  const lasting = lines.split("\n").filter((line) => !line.includes(" sleep 0.1 "));
  return [...new Set(lasting)].join("\n");
}

function whyNoBridge(): string | false {
  const has = existsSync("/usr/lib/cni/bridge") && existsSync("/etc/cni/net.d/87-podman-bridge.conflist");
  return has ? false : "needs podman's bridge network and the CNI plugins";
}

/** Both of the pod's first processes. A runtime has started them when they are still on their way to their program. */
async function membersOf(machine: Machine): Promise<number[]> {
  const find = (): number[] => machine.pidsOf("/bin/sh -c", "trap");
  await waitUntil("both members run", () => find().length === 2).catch((error: Error) => {
    throw new Error(`${error.message}; there are:\n${machine.readTraces().join("\n")}`);
  });
  return find();
}

/** What a shell's children have done until they ended, proc_pid_stat(5): it grows as long as the shell runs. */
function readWork(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ").slice(8, 9).join();
}

function readParent(pid: string): string {
  const parent = /^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return readFileSync(`/proc/${parent}/comm`, "utf8").trim();
}

// ---- containerd ----

t.test(
  "containerd",
  { skip: whyNotWith("containerd", "ctr", "containerd-shim-runc-v2"), timeout: patient(200_000) },
  async (t) => {
    const machine = await Machine.start();
    t.teardown(() => machine.remove());
    const images = writeImages(machine.dir);
    const containerd = await Containerd.start(machine);
    for (const archive of [images.plain, images.pod]) await containerd.must("image", "import", archive);
    const before = machine.readTraces();
    const runPod = async () => {
      const run = containerd.run(PEAPOD_OCI, ["--rm"], POD, "shop");
      await waitUntil("it has spoken", () => run.said.out.includes("side | from web"));
      return run;
    };

    await t.test("an ordinary container is to containerd what it is with runc", async (t) => {
      const plain = await tellOfContainerd(containerd, RUNC!);
      const ours = await tellOfContainerd(containerd, PEAPOD_OCI);
      for (const [index, line] of plain.entries()) t.strictSame(ours[index], line, String(line.what));
      t.equal(ours.length, plain.length, "both stories have the same length");
      await machine.isAsBefore(t, before);
    });

    await t.test("a pod's image is one container: run, exec, pause, kill, exit code", async (t) => {
      const run = await runPod();
      const exec = await containerd.ctr(
        "task",
        "exec",
        "--exec-id",
        "e1",
        "shop",
        "sh",
        "-c",
        "cat /tmp/w/index.html; exit 6",
      );
      t.strictSame([exec.code, exec.out], [6, "from web\n"], "exec is in the first member");
      await containerd.must("task", "pause", "shop");
      t.equal(await containerd.status("shop"), "PAUSED");
      await containerd.must("task", "resume", "shop");
      t.match(await containerd.must("task", "metrics", "shop"), /memory/, "it is measured");
      const members = await membersOf(machine);
      const told = (await containerd.must("task", "ps", "shop")).match(/^\d+/gm)?.map(Number) ?? [];
      t.strictSame(
        members.filter((pid) => !told.includes(pid)),
        [],
        "its processes are told",
      );
      await containerd.must("task", "kill", "--signal", "SIGTERM", "shop");
      const { code, out } = await run.ended;
      t.equal(code, 5, "the pod's result");
      t.match(out, /^web \| web ends$/m, "and its last words");
      await machine.isAsBefore(t, before);
    });

    await t.test("a pod's image in the background, killed", async (t) => {
      await containerd.run(PEAPOD_OCI, ["--detach"], POD, "shop").ended;
      t.equal(await containerd.status("shop"), "RUNNING");
      await containerd.must("task", "kill", "--signal", "SIGKILL", "shop");
      await containerd.waitForStatus("shop", "STOPPED");
      t.equal((await containerd.ctr("task", "rm", "shop")).code, 0);
      await containerd.must("container", "rm", "shop");
      await machine.isAsBefore(t, before);
    });

    await t.test(
      "a shim that is killed: containerd is told the same of a pod as of a container, and nothing is left",
      async (t) => {
        const codes = [];
        for (const image of [PLAIN, POD]) {
          const run = containerd.run(PEAPOD_OCI, ["--rm"], image, "shop", "sh", "-c", OBEDIENT);
          await waitUntil("it has spoken", () => /up|from web/.test(run.said.out));
          killIfThere(containerd.shimOf("shop")!);
          codes.push((await run.ended).code);
          await containerd.waitForStatus("shop", undefined);
          await containerd.ctr("container", "rm", "shop");
          await machine.isAsBefore(t, before);
        }
        t.equal(codes[0], codes[1]);
      },
    );

    await t.test("a containerd that is killed finds the pod again, and its result", async (t) => {
      await containerd.run(PEAPOD_OCI, ["--detach"], POD, "shop").ended;
      await containerd.kill9();
      await containerd.restart();
      t.equal(await containerd.status("shop"), "RUNNING");
      t.equal((await containerd.ctr("task", "exec", "--exec-id", "e1", "shop", "true")).code, 0);
      await containerd.must("task", "kill", "shop");
      await containerd.waitForStatus("shop", "STOPPED");
      const { err } = await containerd.ctr("task", "rm", "shop");
      t.match(err, /exit code 5/);
      await containerd.must("container", "rm", "shop");
      await machine.isAsBefore(t, before);
    });
  },
);

/** The same words to containerd, whatever the runtime; what it answered. */
async function tellOfContainerd(containerd: Containerd, runtime: string): Promise<{ what: string }[]> {
  const story: { what: string; [field: string]: unknown }[] = [];
  const note = (what: string, { code, out, err }: Ended): void => {
    const alike = (text: string) => text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME").replace(/\b\d{3,}\b/g, "N");
    story.push({ what, code, out: alike(out), err: alike(err) });
  };
  const run = async (flags: readonly string[], ...command: string[]): Promise<void> =>
    note(`run ${command.join(" ")}`, await containerd.run(runtime, flags, PLAIN, "one", ...command).ended);
  const call = async (...words: string[]): Promise<void> => note(words.join(" "), await containerd.ctr(...words));
  const status = async (): Promise<void> => void story.push({ what: "status", status: await containerd.status("one") });

  await run(["--rm"], "sh", "-c", "echo to stdout; echo to stderr >&2; exit 3");
  await run(["--rm"], "/no/such/program");
  await call("container", "rm", "one");
  await run(
    ["--rm", "--memory-limit", "67108864", "--env", "A=1", "--cwd", "/tmp"],
    "sh",
    "-c",
    "pwd; echo $A; cat /sys/fs/cgroup/memory/memory.limit_in_bytes",
  );
  await containerd.run(runtime, ["--detach"], PLAIN, "one", "sh", "-c", OBEDIENT).ended;
  await status();
  for (const words of [["true"], ["sh", "-c", "echo out; echo err >&2; exit 6"], ["/no/such/program"]]) {
    await call("task", "exec", "--exec-id", "e1", "one", ...words);
  }
  await call("task", "pause", "one");
  await status();
  await call("task", "resume", "one");
  await status();
  await call("task", "kill", "one");
  await containerd.waitForStatus("one", "STOPPED");
  await call("task", "rm", "one");
  await call("container", "rm", "one");
  await containerd.run(runtime, ["--detach"], PLAIN, "one", "sh", "-c", "sleep 100 & sleep 100 & wait").ended;
  await call("task", "kill", "--all", "--signal", "SIGKILL", "one");
  await containerd.waitForStatus("one", "STOPPED");
  await call("task", "rm", "one");
  await call("container", "rm", "one");
  return story;
}
