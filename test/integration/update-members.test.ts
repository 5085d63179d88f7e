// update -f: containers come, go and are replaced, while the others run on.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PodName } from "../../src/base/names.ts";
import { makePodPaths } from "../../src/base/paths.ts";
import { killIfThere } from "../support/if-any.ts";
import { supervisorOf } from "../support/own-processes.ts";
import {
  type ContainerSpec,
  type PeapodHost,
  type PodRequest,
  testWithHost,
  testWithPeapod,
} from "../support/peapod-host.ts";
import { HostWithSmallDisk } from "../support/small-disk.ts";
import { waitUntil } from "../support/wait-until.ts";

const STAY = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
const SCRATCH = { volumes: [{ name: "scratch", emptyDir: {} }] };
const AT_SCRATCH = { volumeMounts: [{ name: "scratch", mountPath: "/v" }] };
const a = (name: string, more: Partial<ContainerSpec> = {}): ContainerSpec => ({ name, run: STAY, ...more });

/** Changes it, and gives what `state` says. */
async function become(host: PeapodHost, request: PodRequest) {
  const pod = host.aPod({ name: "web", ...request });
  await host.must("update", "web", "-f", pod.file);
  return await host.shown(pod);
}

const begin = async (host: PeapodHost, request: PodRequest) => {
  const pod = host.aPod({ name: "web", ...request });
  await host.must("run", "-d", pod.file);
  await host.must("wait", "--for=ready", "web");
  return await host.shown(pod);
};

type Shown = Awaited<ReturnType<typeof begin>>;
const pidsOf = ({ containers }: Shown) => Object.fromEntries(containers.map(({ name, pid }) => [name, pid]));

testWithPeapod("a container comes, with a volume of its own, and the others do not notice", async (t, host) => {
  const before = await begin(host, { containers: [a("one")] });
  const after = await become(host, {
    containers: [a("one"), a("two", { run: `echo hi >/v/x; ${STAY}`, ...AT_SCRATCH })],
    spec: SCRATCH,
  });
  t.match(after, {
    status: "running",
    containers: [{ name: "one" }, { name: "two", status: "running", restartCount: 0 }],
  });
  t.equal(pidsOf(after).one, pidsOf(before).one);
  await waitUntil(
    "it wrote",
    async () => (await host.peapod("exec", "-c", "two", "web", "cat", "/v/x")).out === "hi\n",
  );
  t.equal(await host.must("exec", "-c", "two", "web", "hostname"), "web\n");
  t.match(await host.must("generate", "web"), /name: two/);
  t.match(await host.must("logs", "web"), "");
  await host.must("restart", "web");
  t.match(await host.shown({ name: "web", file: "" }), {
    status: "running",
    containers: [{ restartCount: 1 }, { restartCount: 1 }],
  });
});

testWithPeapod("a container goes in order, and all that is its own with it", async (t, host) => {
  const preStop = { exec: { command: ["/bin/sh", "-c", "echo pre >>/v/said"] } };
  const before = await begin(host, {
    containers: [
      a("one", AT_SCRATCH),
      a("two", {
        run: "trap 'echo term >>/v/said; exit 0' TERM; while :; do sleep 0.05; done",
        lifecycle: { preStop },
        volumeMounts: [
          ...AT_SCRATCH.volumeMounts,
          { name: "disk", mountPath: "/disk" },
          { name: "scratch", mountPath: "/part", subPath: "part" },
        ],
      }),
    ],
    spec: {
      volumes: [...SCRATCH.volumes, { name: "disk", emptyDir: { sizeLimit: "8Mi" } }],
      terminationGracePeriodSeconds: 20,
    },
  });
  const after = await become(host, {
    containers: [a("one", AT_SCRATCH)],
    spec: { ...SCRATCH, terminationGracePeriodSeconds: 20 },
  });
  t.same(pidsOf(after), { one: pidsOf(before).one });
  t.equal(await host.must("exec", "web", "cat", "/v/said"), "pre\nterm\n");
  const { bundles, io, logs, subPaths, volumes } = makePodPaths(host.root, "web" as PodName);
  for (const dir of [bundles, io, logs, subPaths]) t.notOk(existsSync(join(dir, "two")), dir);
  t.same(readdirSync(volumes), ["scratch"], "the disk and the file that it lay in as well");
  const again = await become(host, {
    containers: [a("one", AT_SCRATCH), a("two")],
    spec: { ...SCRATCH, terminationGracePeriodSeconds: 20 },
  });
  t.match(again.containers[1], { name: "two", restartCount: 0, status: "running" }, "the name is free again");
});

testWithPeapod("one who stays gives up parts of volumes that go", async (t, host) => {
  const parts = {
    volumeMounts: [
      { name: "scratch", mountPath: "/a", subPath: "a" },
      { name: "disk", mountPath: "/b", subPath: "b" },
    ],
  };
  const disk = { name: "disk", emptyDir: { sizeLimit: "8Mi" } };
  await begin(host, { containers: [a("one", parts)], spec: { volumes: [...SCRATCH.volumes, disk] } });
  const [first] = parts.volumeMounts;
  const { dir } = makePodPaths(host.root, "web" as PodName);
  const below = () =>
    readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter((target) => target.startsWith(`${dir}/subpaths/`) || target.startsWith(`${dir}/volumes/`))
      .map((target) => target.slice(dir.length + 1))
      .sort();
  t.same(below(), ["subpaths/one/0", "subpaths/one/1", "volumes/disk"]);
  await become(host, { containers: [a("one", { volumeMounts: first === undefined ? [] : [first] })], spec: SCRATCH });
  t.same(below(), ["subpaths/one/0"]);
});

testWithPeapod("a pod of the host's network keeps its ports", async (t, host) => {
  const port = 24_000 + (process.pid % 8000);
  const request = (hostPort: number): PodRequest => ({
    containers: [a("one", { ports: [{ containerPort: hostPort, hostPort }] })],
    spec: { hostNetwork: true },
  });
  const { cursor } = await begin(host, request(port));
  t.equal((await become(host, request(port))).cursor, cursor);
  const { code, err } = await host.peapod("update", "web", "-f", host.aPod({ name: "web", ...request(port + 1) }).file);
  t.match({ code, err }, { code: 125, err: /its published ports cannot change/ });
});

testWithPeapod("a container is replaced: ended, and made anew as the manifest says now", async (t, host) => {
  const before = await begin(host, { containers: [a("one"), a("two", { env: [{ name: "V", value: "1" }] })] });
  const after = await become(host, { containers: [a("one"), a("two", { env: [{ name: "V", value: "2" }] })] });
  t.equal(pidsOf(after).one, pidsOf(before).one);
  t.match(after.containers[1], { status: "running", restartCount: 1 });
  t.equal(await host.must("exec", "-c", "two", "web", "sh", "-c", "echo $V"), "2\n");
  const { cursor } = after;
  t.equal(
    (await become(host, { containers: [a("one"), a("two", { env: [{ name: "V", value: "2" }] })] })).cursor,
    cursor,
    "the same again changes nothing",
  );
});

testWithPeapod("all at once: the only container is replaced by a sidecar and another", async (t, host) => {
  await begin(host, { containers: [a("old")] });
  const after = await become(host, { init: [a("side", { restartPolicy: "Always" })], containers: [a("new")] });
  t.match(after, {
    status: "running",
    phase: "Running",
    containers: [
      { name: "side", role: "sidecar", status: "running" },
      { name: "new", status: "running" },
    ],
  });
  t.equal(after.containers.length, 2);
  await host.must("stop", "web");
  t.equal((await host.shown({ name: "web", file: "" })).exitStatus, 0);
});

testWithPeapod("what concerns no container takes effect without any", async (t, host) => {
  const before = await begin(host, {
    containers: [a("one", { run: "trap '' TERM; while :; do sleep 0.05; done" })],
    spec: { terminationGracePeriodSeconds: 1000 },
  });
  const after = await become(host, {
    containers: [a("one", { run: "trap '' TERM; while :; do sleep 0.05; done" })],
    spec: { terminationGracePeriodSeconds: 0 },
  });
  t.same(pidsOf(after), pidsOf(before));
  await host.must("stop", "web");
});

/** The ConfigMap `lamp`, which is the volume `conf`. */
const aLamp = (data: Record<string, string>) => ({
  spec: { volumes: [{ name: "conf", configMap: { name: "lamp" } }] },
  documents: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "lamp" }, data }],
});
const AT_CONF = { volumeMounts: [{ name: "conf", mountPath: "/conf" }] };

testWithPeapod("a ConfigMap that is another reaches those who have it mounted, at one turn", async (t, host) => {
  const request = (data: Record<string, string>): PodRequest => ({
    containers: [
      a("sees", AT_CONF),
      a("keeps", { volumeMounts: [{ name: "conf", mountPath: "/colour", subPath: "colour" }] }),
      a("told", { env: [{ name: "SIZE", valueFrom: { configMapKeyRef: { name: "lamp", key: "size" } } }] }),
    ],
    ...aLamp(data),
  });
  const said = async (name: string, script: string) => await host.must("exec", "-c", name, "web", "sh", "-c", script);
  const before = await begin(host, request({ colour: "red", size: "1", old: "x" }));
  const all = "cd /conf; ls; cat colour; [ -e ..data/old ] || echo gone";
  t.equal(await said("sees", all), "colour\nold\nsize\nred");
  const after = await become(host, request({ colour: "green", size: "1", new: "x" }));
  t.same(pidsOf(after), pidsOf(before), "nobody was ended for it");
  t.equal(await said("sees", all), "colour\nnew\nsize\ngreengone\n");
  t.equal(await said("keeps", "cat /colour"), "red", "a subPath is of its container's making");
  t.match(await host.must("generate", "web"), /colour: green/);
  await host.must("restart", "-c", "keeps", "web");
  t.equal(await said("keeps", "cat /colour"), "green");
  const again = await become(host, request({ colour: "green", size: "2", new: "x" }));
  t.match(
    again.containers,
    [{ restartCount: 0 }, { restartCount: 1 }, { restartCount: 1 }],
    "a variable cannot change",
  );
  t.equal(await said("told", "echo $SIZE"), "2\n");
  t.equal(await said("sees", "cat /conf/size"), "2");
});

testWithPeapod("a shared pid namespace has newcomers, too", async (t, host) => {
  const spec = { shareProcessNamespace: true };
  await begin(host, { containers: [a("one")], spec });
  await become(host, { containers: [a("one"), a("two", { run: ["sleep", "4711"] })], spec });
  t.match(await host.must("exec", "-c", "one", "web", "ps"), /sleep 4711/);
});

testWithPeapod("what cannot change is refused with its reason, and nothing is done", async (t, host) => {
  const volumes = (medium: string) => ({ volumes: [{ name: "v", emptyDir: { medium } }] });
  const request: PodRequest = { init: [a("init", { run: "exit 0" })], containers: [a("one")], spec: volumes("") };
  const before = await begin(host, request);
  const refused = async (change: PodRequest, pattern: RegExp) => {
    const pod = host.aPod({ name: "web", ...request, ...change });
    const { code, err } = await host.peapod("update", "web", "-f", pod.file);
    t.not(code, 0);
    t.match(err, pattern);
  };
  await refused({ init: [] }, /container init: is an init container, and those have run already/);
  await refused({ init: [a("init", { run: "exit 1" })] }, /container init: is an init container/);
  await refused({ spec: { ...volumes(""), hostname: "other" } }, /pod web: its host name cannot change/);
  await refused(
    { spec: { ...volumes(""), hostAliases: [{ ip: "192.0.2.7", hostnames: ["db"] }] } },
    /pod web: its hosts file cannot change/,
  );
  await refused({ spec: { ...volumes(""), hostNetwork: true } }, /which namespaces its containers share cannot change/);
  await refused({ spec: { ...volumes(""), shareProcessNamespace: true } }, /cannot change|comes and goes/);
  await refused({ spec: volumes("Memory") }, /volume v: cannot change/);
  await refused(
    { containers: [a("one", { ports: [{ containerPort: 80, hostPort: 23_999 }] })] },
    /its published ports cannot change/,
  );
  await refused({ containers: [a("one", { imagee: "x" })] }, /unknown field/);
  const after = await host.shown({ name: "web", file: "" });
  t.equal(after.cursor, before.cursor, "nothing was done");
  t.match((await host.peapod("update", "web")).err, /nothing is to be changed/);
  t.match((await host.peapod("update", "nobody", "-f", join(host.dir, "web.yaml"))).err, /does not exist/);
  t.match((await host.peapod("update", "web", "-f", "/none")).err, /manifest \/none: does not exist/);
  await host.must("stop", "web");
  t.match((await host.peapod("update", "web", "-f", join(host.dir, "web.yaml"))).err, /cannot update, it is exited/);
});

testWithPeapod("what the machine has not is known before anybody goes for it", async (t, host) => {
  const before = await begin(host, { containers: [a("one"), a("two")] });
  const { bundles, volumes } = makePodPaths(host.root, "web" as PodName);
  const places = () => [...readdirSync(bundles), ...(existsSync(volumes) ? readdirSync(volumes) : [])];
  const had = places();
  const there = join(host.dir, "there");
  const request: PodRequest = {
    containers: [a("one"), a("two", { volumeMounts: [{ name: "theirs", mountPath: "/v" }] }), a("new", AT_SCRATCH)],
    spec: { volumes: [...SCRATCH.volumes, { name: "theirs", hostPath: { path: there } }] },
  };
  const { file } = host.aPod({ name: "web", ...request });
  t.match(await host.peapod("update", "web", "-f", file), { code: 125, err: /volume theirs: .*there does not exist/ });
  t.same(pidsOf(await host.shown({ name: "web", file })), pidsOf(before));
  t.same(places(), had, "nothing of it stays");
  mkdirSync(there);
  t.match((await become(host, request)).containers, [{ restartCount: 0 }, { restartCount: 1 }, { name: "new" }]);
});

testWithPeapod("nobody is made of what is only half prepared, and once it can be they are", async (t, host) => {
  const request = (value: string): PodRequest => ({
    containers: [a("one"), a("two", { env: [{ name: "V", value }] })],
    annotations: { "peapod/backOff": "initial=0.2,max=0.2" },
  });
  const before = await begin(host, request("old"));
  // Where its configuration is to be written; the running one needs its no more.
  const config = join(makePodPaths(host.root, "web" as PodName).bundles, "two", "config.json");
  rmSync(config);
  mkdirSync(join(config, "in-the-way"), { recursive: true });
  const pod = host.aPod({ name: "web", ...request("new") });
  const { code, err } = await host.peapod("update", "web", "-f", pod.file);
  t.not(code, 0);
  t.match(err, /config\.json/);
  const meanwhile = await host.shown(pod);
  t.equal(pidsOf(meanwhile).one, pidsOf(before).one);
  t.not(meanwhile.containers[1]?.status, "running");
  rmSync(config, { recursive: true });
  await waitUntil("it can be", async () => (await host.shown(pod)).containers[1]?.status === "running");
  t.equal(await host.must("exec", "-c", "two", "web", "sh", "-c", "echo $V"), "new\n");
});

testWithPeapod("one who is made again and again takes nothing from what is being prepared", async (t, host) => {
  const annotations = { "peapod/backOff": "initial=0.001,max=0.001" };
  const restless = a("restless", { run: "exit 1" });
  await host.must("run", "-d", host.aPod({ name: "web", containers: [restless, a("one")], annotations }).file);
  for (let round = 1; round <= 6; round += 1) {
    const name = `disk${round}`;
    const two = a("two", { volumeMounts: [{ name, mountPath: "/v" }] });
    const volumes = [{ name, emptyDir: { sizeLimit: "8Mi" } }];
    await become(host, { containers: [restless, a("one"), two], annotations, spec: { volumes } });
    t.equal(await host.must("exec", "-c", "two", "web", "stat", "-f", "-c", "%T", "/v"), "ext2/ext3\n");
  }
});

testWithPeapod("one who comes and cannot start is told of; the others run on", async (t, host) => {
  await begin(host, { containers: [a("one")] });
  const pod = host.aPod({ name: "web", containers: [a("one"), a("two", { run: ["/no/such"] })] });
  const { code, err } = await host.peapod("update", "web", "-f", pod.file);
  t.not(code, 0);
  t.match(err, /container two: did not start.*no\/such/);
  t.equal((await host.shown(pod)).containers[0]?.status, "running");
  await become(host, { containers: [a("one")] });
});

testWithPeapod("from standard input, with the pod's own name", async (t, host) => {
  const part = { volumeMounts: [{ name: "scratch", mountPath: "/v", subPath: "part" }] };
  await begin(host, { containers: [a("one"), a("part", part)], spec: SCRATCH });
  const text = (await host.must("generate", "web")).replace(/^ {2}name: web$/m, "  name: another");
  const file = join(host.dir, "x.yaml");
  writeFileSync(file, text);
  const edited = readFileSync(file, "utf8").replace("sleep 0.05", "sleep 0.06");
  const running = host.start(["update", "web", "-f", "-"], { input: edited });
  t.equal((await running.ended).code, 0, running.said.err);
  t.match(await host.shown({ name: "web", file: "" }), {
    pod: "web",
    // A subPath's errors name its line, which is another one now.
    containers: [{ restartCount: 1 }, { name: "part", restartCount: 0 }],
  });
});

testWithPeapod("a supervisor that is killed at any moment of it is followed by one that ends it", async (t, host) => {
  const SLOW = "trap 'sleep 0.1; exit 0' TERM; while :; do sleep 0.02; done";
  const one = a("one", { volumeMounts: [...AT_CONF.volumeMounts, { name: "keys", mountPath: "/keys" }] });
  const files = (round: number) => {
    const { spec, documents } = aLamp({ round: `${round}` });
    const key = { apiVersion: "v1", kind: "Secret", metadata: { name: "key" }, stringData: { round: `${round}` } };
    return {
      spec: { volumes: [...spec.volumes, { name: "keys", secret: { secretName: "key" } }] },
      documents: [...documents, key],
    };
  };
  await begin(host, {
    containers: [one, a("two", { run: SLOW, env: [{ name: "ROUND", value: "0" }] })],
    ...files(0),
  });
  const first = (await host.shown({ name: "web", file: "" })).containers[0]?.pid;
  for (let round = 1; round <= 14; round += 1) {
    const pod = host.aPod({
      name: "web",
      containers: [
        one,
        a("two", { run: SLOW, env: [{ name: "ROUND", value: `${round}` }] }),
        ...(round % 2 === 1 ? [a("odd", { run: SLOW })] : [a("even", { run: SLOW })]),
      ],
      ...files(round),
    });
    const asked = host.start(["update", "web", "-f", pod.file]);
    await new Promise((resolve) => setTimeout(resolve, 100 + round * 40));
    killIfThere(supervisorOf(host, pod));
    const { code, err } = await asked.ended;
    t.equal(code, 0, err);
    const shown = await host.shown(pod);
    t.same(
      shown.containers.map(({ name, status }) => `${name} ${status}`),
      ["one running", "two running", `${round % 2 === 1 ? "odd" : "even"} running`],
    );
    t.equal(shown.containers[1]?.restartCount, round, `once, in round ${round}`);
    t.equal(await host.must("exec", "-c", "two", "web", "sh", "-c", "echo $ROUND"), `${round}\n`);
    t.equal(await host.must("exec", "-c", "one", "web", "cat", "/conf/round", "/keys/round"), `${round}${round}`);
  }
  t.equal((await host.shown({ name: "web", file: "" })).containers[0]?.pid, first, "one ran all the while");
});

testWithHost(
  "a disk that is full refuses a change, or has room for all of it",
  () => new HostWithSmallDisk({}, (host) => host.root, "size=3m"),
  async (t, host) => {
    await host.isReady();
    const size = (more: number) => {
      const { blocks, bfree, bsize } = statfsSync(host.disk);
      host.resize(`size=${Math.ceil(((blocks - bfree) * bsize) / 1024) + more}k`);
    };
    const round = async (name: string) => await host.must("exec", "web", "cat", `/conf/${name}`);
    const request = (data: Record<string, string>): PodRequest => ({ containers: [a("one", AT_CONF)], ...aLamp(data) });
    const before = await begin(host, request({ round: "0" }));
    const codes: (number | null)[] = [];
    for (const kib of [0, 60, 120, 180, 240, 260, 280, 300, 340, 400]) {
      const pod = host.aPod({ name: "web", ...request({ round: `${kib}`, big: "x".repeat(80_000) }) });
      size(kib);
      const { code, err } = await host.peapod("update", "web", "-f", pod.file);
      size(1500);
      codes.push(code);
      if (code !== 0) t.match({ code, err }, { code: 125, err: /^peapod: (pod web|volume conf): .*ENOSPC.*\n$/ });
      t.equal(await round("round"), code === 0 ? `${kib}` : "0", `with ${kib} KiB: ${code}`);
      t.same(pidsOf(await become(host, request({ round: "0" }))), pidsOf(before));
      t.equal(await round("round"), "0");
    }
    t.equal(codes[0], 125);
    t.equal(codes.at(-1), 0);
    // What lies on its disk is gone with it.
    await host.must("delete", "--force", "web");
  },
);
