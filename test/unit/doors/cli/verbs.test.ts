import { readdirSync } from "node:fs";
import t from "tap";
import { PeapodError } from "../../../../src/base/errors.ts";
import type { PodName } from "../../../../src/base/names.ts";
import type { BuildImageRequest, ExecRequest, UpRequest } from "../../../../src/engine/engine.ts";
import type { PodStatus } from "../../../../src/state/pod-state.ts";
import { aContainer, aLine, aPod, fakeEngine, fakeWorld, runLine } from "../../../support/cli-world.ts";

const missing = new PeapodError("NOT_FOUND", "pod db: does not exist", { hint: "peapod list tells which do" });

/** An answer that leaves a note of what was asked. */
function noting<Asked, Answer>(notes: Asked[], asked: Asked, answer: Answer): Answer {
  notes.push(asked);
  return answer;
}

t.test("create and run -d print the pod's name", async (t) => {
  const requests: UpRequest[] = [];
  const engine = fakeEngine({ rest: { up: async (request) => noting(requests, request, aPod()) } });
  t.same(await runLine("create pod.yaml", fakeWorld(engine)), { status: 0, out: "web\n", err: "" });
  t.same(await runLine("run -d --name web -", fakeWorld(engine, { stdin: "kind: Pod" })), {
    status: 0,
    out: "web\n",
    err: "",
  });
  t.match(requests, [
    { file: "pod.yaml", start: false, stdinText: undefined },
    { file: "-", start: true, stdinText: "kind: Pod", name: "web" },
  ]);
});

t.test("run -d that is interrupted too late deletes what came up", async (t) => {
  const deleted: unknown[] = [];
  const engine = fakeEngine({
    client: { delete: async (more) => void deleted.push(more) },
    rest: { up: async () => noting([], fake.signal("SIGTERM"), aPod()) },
  });
  const fake = fakeWorld(engine);
  t.same(await runLine("run -d pod.yaml", fake), { status: 143, out: "", err: "" });
  t.same(deleted, [{ force: true }]);
});

t.test("--dry-run prints the plan and starts nothing", async (t) => {
  const engine = fakeEngine({ rest: { plan: async () => ({ version: 1 }) as never } });
  for (const line of ["run --dry-run pod.yaml", "run -d --dry-run pod.yaml", "create --dry-run pod.yaml"]) {
    t.same(JSON.parse((await runLine(line, fakeWorld(engine))).out), { version: 1 }, line);
  }
});

t.test("image build asks for one image and prints its name", async (t) => {
  const requests: BuildImageRequest[] = [];
  const engine = fakeEngine({ rest: { buildImage: async (request) => noting(requests, request, undefined) } });
  const built = { status: 0, out: "team/shop:1\n", err: "" };
  t.same(await runLine("image build pod.yaml -t team/shop:1", fakeWorld(engine)), built);
  t.same(await runLine("image build --builder docker --tag team/shop:1 -", fakeWorld(engine, { stdin: "{}" })), built);
  t.match(requests, [
    { file: "pod.yaml", tag: "team/shop:1", stdinText: undefined, builder: undefined, tell: undefined },
    { file: "-", tag: "team/shop:1", stdinText: "{}", builder: "docker" },
  ]);
  t.match(await runLine("image build pod.yaml", fakeWorld(engine)), {
    status: 125,
    err: "peapod: image build: the new image's name is missing\nhint: give -t NAME\n",
  });
});

t.test("image build tells who sits before a terminal what takes long", async (t) => {
  const engine = fakeEngine({ rest: { buildImage: async ({ tell }) => tell?.("pulling nginx") } });
  const ran = await runLine("image build pod.yaml -t shop", fakeWorld(engine, { terminal: true }));
  t.same(ran, { status: 0, out: "shop\n", err: "pulling nginx\n" });
});

t.test("image build that is interrupted says so, and ends as its signal does", async (t) => {
  const canceled = new PeapodError("CANCELED", "podman pull: was interrupted");
  const engine = fakeEngine({
    rest: {
      async buildImage({ signal }) {
        fake.signal("SIGTERM");
        t.ok(signal?.aborted);
        throw canceled;
      },
    },
  });
  const fake = fakeWorld(engine);
  const ran = await runLine("image build pod.yaml -t shop", fake);
  t.same(ran, { status: 143, out: "", err: "peapod: podman pull: was interrupted\n" });
});

t.test("global options reach the engine", async (t) => {
  const fake = fakeWorld(fakeEngine({ reader: { list: async () => [] } }), { env: { PEAPOD_RUNTIME: "crun" } });
  await runLine("list -q --root /r --cgroup-driver systemd", fake);
  t.same(fake.opened, [{ root: "/r", runtime: "crun", cgroupDriver: "systemd" }]);
});

t.test("names that are no pod's never reach the engine", async (t) => {
  for (const verb of [
    "state",
    "ps",
    "logs",
    "events",
    "inspect",
    "ns",
    "start",
    "stop",
    "delete",
    "pause",
    "resume",
    "wait",
    "kill",
    "verify",
  ]) {
    const fake = fakeWorld();
    const ran = await runLine(`${verb} a..b`, fake);
    t.equal(ran.status, 125, verb);
    t.match(ran.err, /pod "a\.\.b": is not a pod's name/, verb);
    t.same(fake.opened, [], verb);
  }
});

t.test("of several pods each is tried, and one failure is in the status", async (t) => {
  const stopped: string[] = [];
  const engine = fakeEngine({
    client: (pod: PodName) => ({
      async stop() {
        if (pod === "db") throw missing;
        stopped.push(pod);
        return aPod();
      },
    }),
  });
  const ran = await runLine("stop db web", fakeWorld(engine));
  t.same(stopped, ["web"]);
  t.same(ran, { status: 125, out: "", err: "peapod: pod db: does not exist\nhint: peapod list tells which do\n" });
});

t.test("who is interrupted while a pod does what was asked is told that it goes on", async (t) => {
  const lines = ["stop -t 60 web db", "restart web", "delete web", "update web -f pod.yaml", "update web --cpus 1"];
  for (const line of lines) {
    const asked: PodName[] = [];
    const client = (pod: PodName) => {
      const hang = async () => {
        asked.push(pod);
        setImmediate(() => fake.signal("SIGINT"));
        return await new Promise<never>(() => undefined);
      };
      return { stop: hang, restart: hang, delete: hang, change: hang, update: hang };
    };
    const fake = fakeWorld(fakeEngine({ client }));
    const others = line.startsWith("stop") ? "; nothing was asked of db" : "";
    const err = `peapod: pod web: goes on with what was asked of it; peapod state web tells of it${others}\n`;
    t.same(await runLine(line, fake), { status: 130, out: "", err }, line);
    t.same(asked, ["web"], "those after it are not asked");
    t.notOk(fake.signal("SIGINT"), "nobody listens any more");
  }
});

t.test("stop takes its grace in seconds", async (t) => {
  const asked: unknown[] = [];
  const engine = fakeEngine({ client: { stop: async (more) => noting(asked, more, aPod()) } });
  await runLine("stop web", fakeWorld(engine));
  await runLine("stop -t 1.5 web", fakeWorld(engine));
  await runLine("stop -t 0 web", fakeWorld(engine));
  t.same(asked, [{}, { graceMs: 1500 }, { graceMs: 0 }]);
});

t.test("delete of what is not there is a failure, unless forced", async (t) => {
  const engine = fakeEngine({ client: { delete: () => Promise.reject(missing) } });
  t.equal((await runLine("delete db", fakeWorld(engine))).status, 125);
  t.same(await runLine("rm -f db", fakeWorld(engine)), { status: 0, out: "", err: "" });
});

t.test("kill takes its signal as runc and as podman do", async (t) => {
  const asked: unknown[] = [];
  const engine = fakeEngine({
    reader: { state: async () => aPod() },
    client: { kill: async (more) => noting(asked, more, aPod()) },
  });
  await runLine("kill web", fakeWorld(engine));
  await runLine("kill web 9 --all", fakeWorld(engine));
  await runLine("kill -s HUP web -c server -c client", fakeWorld(engine));
  t.same(asked, [
    { signal: "SIGTERM", all: false },
    { signal: "9", all: true },
    { signal: "HUP", all: false, container: "server" },
    { signal: "HUP", all: false, container: "client" },
  ]);
  t.match(await runLine("kill web 9 -s 15", fakeWorld(engine)), { status: 125, err: /two signals are given/ });
  t.match(await runLine("kill web -c nobody", fakeWorld(engine)), {
    status: 125,
    err: /pod web has no such container\nhint: it has server, client/,
  });
});

t.test("wait prints results and is itself content", async (t) => {
  const containers = [
    aContainer("server", { exit: { kind: "killed", signal: 9, time: "" } }),
    aContainer("client", { exit: { kind: "lost", time: "" } }),
  ];
  const pod = aPod({ exitStatus: 137, containers });
  const engine = fakeEngine({ reader: { state: async () => pod }, client: { wait: async () => pod } });
  t.same(await runLine("wait web", fakeWorld(engine)), { status: 0, out: "137\n", err: "" });
  t.same(await runLine("wait web -c server -c client", fakeWorld(engine)), { status: 0, out: "137\nlost\n", err: "" });
});

t.test("wait gives up after a time in the words of other options", async (t) => {
  const asked: unknown[] = [];
  const engine = fakeEngine({ client: { wait: async ({ signal }) => noting(asked, signal?.aborted, aPod()) } });
  for (const time of ["60", "60s", "1h30m", "999999999"])
    t.equal((await runLine(`wait web --for=ready --timeout ${time}`, fakeWorld(engine))).status, 0, time);
  t.same(asked, [false, false, false, false]);
  const ran = await runLine("wait web --timeout soon", fakeWorld(engine));
  t.match(ran, { status: 125, err: /"soon" is not a time in seconds, such as 10, 90s or 2m/ });
});

t.test("exec runs the call that the engine made and hands the status on", async (t) => {
  const requests: ExecRequest[] = [];
  const execCommand = async (_pod: PodName, request: ExecRequest) =>
    noting(requests, request, { program: "/runc", args: ["exec"] });
  const fake = fakeWorld(fakeEngine({ rest: { execCommand } }), { programStatus: 42 });
  t.equal((await runLine("exec -it -c server -e A=1 -w /tmp -u 1:2 web sh -c true", fake)).status, 42);
  t.same(fake.programs, [["/runc", "exec"]]);
  const where = { env: ["A=1"], container: "server", cwd: "/tmp", user: "1:2" };
  t.same(requests, [{ args: ["sh", "-c", "true"], tty: true, detachKeys: [16, 17], ...where }]);
  t.match(await runLine("exec -e =A web env", fakeWorld()), { status: 125, err: /"" is not a variable's name/ });
  requests.length = 0;
  const env = { TERM: "xterm", EMPTY: "" };
  const words = "exec -e TERM -e EMPTY -e NOWHERE -e B=1=2 web env";
  await runLine(words, fakeWorld(fakeEngine({ rest: { execCommand } }), { env }));
  t.match(requests, [{ env: ["TERM=xterm", "EMPTY=", "B=1=2"] }], "NAME alone is the caller's, where he has it");
});

t.test("exec of a command that was never begun ends with 126, 127 or 125", async (t) => {
  const table: [words: string, status: number][] = [
    ['exec: "foo": executable file not found in $PATH', 127],
    ['exec: "/foo": stat /foo: no such file or directory', 127],
    ['exec: "/etc": permission denied', 126],
    ['container server: command "foo" was not found in its root file system', 127],
    ['container server: command "/etc" cannot be executed', 126],
    ['container server: command "/etc/passwd" is not executable', 126],
    ["container server: the runtime does not know it", 125],
    ["cannot exec in a stopped container", 125],
  ];
  for (const [words, status] of table) {
    const explain = async () => new PeapodError("RUNTIME_FAILED", words);
    const engine = fakeEngine({ rest: { execCommand: async () => ({ program: "/runc", args: [], explain }) } });
    t.equal((await runLine("exec web foo", fakeWorld(engine, { programStatus: 255 }))).status, status, words);
  }
});

t.test("list: a table for people, names, JSON for programs", async (t) => {
  const ended = aPod({
    pod: "db" as PodName,
    status: "exited",
    exitStatus: 3,
    createdAt: "2026-11-21T10:00:00Z",
    containers: [aContainer("db", { status: "exited" })],
  });
  const engine = fakeEngine({ reader: { list: async () => [ended, aPod({ degraded: "its reaper died" })] } });
  t.equal(
    (await runLine("list", fakeWorld(engine))).out,
    `POD  STATUS             READY  RESTARTS  CREATED
db   exited (3)         0/1    0         1 day ago
web  running, degraded  2/2    0         3 minutes ago
`,
  );
  t.equal((await runLine("ls -q", fakeWorld(engine))).out, "db\nweb\n");
  const json = JSON.parse((await runLine("list --format json", fakeWorld(engine))).out);
  t.same(
    json.map((pod: { pod: string }) => pod.pod),
    ["db", "web"],
  );
});

t.test("list: who is ready, of those that can be, and how often they were started again", async (t) => {
  const endedAt = (time: string) => ({ startedAt: undefined, exit: { kind: "exited", code: 1, time } }) as never;
  const containers = [
    aContainer("prepare", { role: "init", status: "exited", ready: false, attempt: 4 }),
    aContainer("proxy", { role: "sidecar", attempt: 1, last: endedAt("2026-11-22T09:00:00Z") }),
    aContainer("server", { ready: false, attempt: 2, last: endedAt("2026-11-22T10:02:50Z") }),
    aContainer("_pause", { role: "pause", ready: false }),
  ];
  const pods = [aPod({ containers }), aPod({ pod: "young" as PodName, status: "initializing", containers })];
  const engine = fakeEngine({ reader: { list: async () => pods } });
  t.equal(
    (await runLine("list", fakeWorld(engine))).out,
    `POD    STATUS        READY  RESTARTS            CREATED
web    running       1/2    3 (10 seconds ago)  3 minutes ago
young  initializing  1/2    7 (10 seconds ago)  3 minutes ago
`,
  );
  t.match(JSON.parse((await runLine("list --format json", fakeWorld(engine))).out), [
    { readyCount: 1, readyTotal: 2, restartCount: 3 },
    { readyCount: 1, readyTotal: 2, restartCount: 7 },
  ]);
});

t.test("state is JSON with every key, or a view for people", async (t) => {
  const exit = { kind: "killed", signal: 9, time: "2026-11-22T10:01:00Z" } as const;
  const pod = aPod({ containers: [aContainer("server"), aContainer("client", { status: "exited", exit })] });
  const engine = fakeEngine({ reader: { state: async () => pod } });
  const times = { createdAt: "2026-11-22T10:00:00.000Z", startedAt: "2026-11-22T10:00:00.000Z" };
  const calm = {
    role: "main",
    image: null,
    imageId: null,
    ready: true,
    started: true,
    restartCount: 0,
    reason: null,
    message: null,
    backOffUntil: null,
    lastState: null,
  };
  t.same(JSON.parse((await runLine("state web", fakeWorld(engine))).out), {
    restartedAt: null,
    changedAt: null,
    pod: "web",
    status: "running",
    readyCount: 1,
    readyTotal: 2,
    restartCount: 0,
    phase: "Running",
    reason: null,
    conditions: [],
    want: "running",
    ...times,
    exitedAt: null,
    exitStatus: null,
    degraded: null,
    error: null,
    resources: null,
    podIP: null,
    podIPs: [],
    networks: [],
    cursor: 7,
    containers: [
      {
        name: "server",
        status: "running",
        ...calm,
        pid: 4711,
        ...times,
        exit: null,
        resources: null,
        logBlocked: null,
        exitStatus: null,
      },
      {
        name: "client",
        status: "exited",
        ...calm,
        pid: 4711,
        ...times,
        exit,
        resources: null,
        logBlocked: null,
        exitStatus: 137,
      },
    ],
  });
  t.equal(
    (await runLine("state web --format table", fakeWorld(engine))).out,
    `pod      web
status   running
ready    1/2
created  3 minutes ago

CONTAINER  STATUS              RESTARTS   PID  STARTED
server     running                    0  4711  3 minutes ago
client     killed by signal 9         0     -  3 minutes ago
`,
  );
});

t.test("state: a container comes again in a pod that goes on, and in no other", async (t) => {
  const exit = { kind: "exited", code: 1, time: "2026-11-22T10:02:55Z" } as const;
  const backOffUntil = "2026-11-22T10:03:05Z";
  const containers = [aContainer("server", { status: "exited", exit, backOffUntil })];
  const table: [status: PodStatus, comes: boolean][] = [
    ["initializing", true],
    ["running", true],
    ["paused", true],
    ["stopping", false],
    ["exited", false],
    ["failed", false],
    ["deleting", false],
  ];
  for (const [status, comes] of table) {
    const engine = fakeEngine({ reader: { state: async () => aPod({ status, containers }) } });
    const { out } = await runLine("state web --format table", fakeWorld(engine));
    t.equal(/exited with 1; again in 5 s/.test(out), comes, status);
    const json = JSON.parse((await runLine("state web", fakeWorld(engine))).out);
    t.equal(json.containers[0].backOffUntil, comes ? backOffUntil : null, status);
  }
});

t.test("ps cannot be used to write the reader's screen", async (t) => {
  const process = {
    container: "server" as never,
    pid: 12,
    parentPid: 1,
    uid: 0,
    memoryBytes: 1_500_000,
    startedAt: "2026-11-22T10:02:59Z",
    command: "\u001b[2Jsh\u0007 -c\nx",
  };
  const engine = fakeEngine({ rest: { processes: async () => [process] } });
  t.equal(
    (await runLine("ps web", fakeWorld(engine))).out,
    `CONTAINER  PID  PPID  UID  MEMORY  STARTED       COMMAND
server      12     1    0  1.4MiB  1 second ago  sh  -c x
`,
  );
  t.same(JSON.parse((await runLine("ps web --format json", fakeWorld(engine))).out), [process]);
});

t.test("logs merges finished logs in the order of their times", async (t) => {
  const at = (second: number) => ({ time: `2026-11-22T10:00:0${second}.000000000Z` });
  const logs = {
    server: [aLine("one", at(1)), aLine("four", { ...at(4), stream: "stderr" })],
    client: [aLine("two", at(2)), aLine("three", at(3))],
  };
  const asked: unknown[] = [];
  const engine = fakeEngine({
    reader: { state: async () => aPod() },
    rest: {
      async *logs(_pod, { signal: _signal, ...request }) {
        asked.push(request);
        yield* logs[request.container as keyof typeof logs];
      },
    },
  });
  t.same(await runLine("logs web", fakeWorld(engine)), {
    status: 0,
    out: "server | one\nclient | two\nclient | three\n",
    err: "server | four\n",
  });
  asked.length = 0;
  t.equal(
    (await runLine("logs --tail 5 --since 3m -t web -c client", fakeWorld(engine))).out,
    "2026-11-22T10:00:02.000000000Z two\n2026-11-22T10:00:03.000000000Z three\n",
  );
  t.same(asked, [{ container: "client", follow: false, tail: 5, since: "2026-11-22T10:00:00.000000000Z" }]);
  asked.length = 0;
  await runLine("logs --tail -1 web -c client", fakeWorld(engine));
  t.same(asked, [{ container: "client", follow: false }], "-1 is all, as for kubectl and podman");
  const ran = await runLine("logs --tail some web", fakeWorld(engine));
  t.match(ran, { status: 125, err: /option --tail: "some" is not a whole number, or -1/ });
});

t.test("logs and update take containers by -c and after the pod, each once", async (t) => {
  const shown: string[] = [];
  const updated: unknown[] = [];
  const engine = fakeEngine({
    reader: { state: async () => aPod() },
    client: { update: async (more) => noting(updated, more.containers, aPod()) },
    rest: {
      async *logs(_pod, { container }) {
        shown.push(container);
        yield aLine("one");
      },
    },
  });
  for (const words of ["web client", "web -c client", "-c client web client"]) {
    await runLine(`logs ${words}`, fakeWorld(engine));
    await runLine(`update ${words} --memory 1m`, fakeWorld(engine));
  }
  t.same(shown, ["client", "client", "client"]);
  t.same(updated, [["client"], ["client"], ["client"]]);
  t.match(await runLine("logs web nobody", fakeWorld(engine)), { status: 125, err: /hint: it has server, client/ });
  const whole = await runLine("update web -f pod.yaml -c client", fakeWorld(engine));
  t.match(whole, { status: 125, err: /-f is about the whole pod/ });
});

t.test("logs -f ends when its reader goes away", async (t) => {
  const fake = fakeWorld(
    fakeEngine({
      reader: { state: async () => aPod({ containers: [aContainer("server")] }) },
      rest: {
        async *logs(_pod, { signal }) {
          yield aLine("one");
          fake.hangUp();
          t.ok(signal?.aborted);
        },
      },
    }),
  );
  t.same(await runLine("logs -f web", fake), { status: 0, out: "one\n", err: "" });
});

t.test("events: a line for people, the event itself for programs", async (t) => {
  const stamp = { time: "2026-11-22T10:00:00.000Z", pod: "web" as PodName };
  const told = [
    { ...stamp, seq: 1, type: "pod.wanted", want: "running", request: "r1" },
    {
      ...stamp,
      time: "2026-11-22T10:02:00.000Z",
      seq: 2,
      type: "container.exited",
      container: "server" as never,
      exit: { kind: "exited", code: 7, time: "" },
    },
  ] as const;
  const asked: unknown[] = [];
  const engine = fakeEngine({
    reader: {
      state: async () => aPod(),
      async *events(_pod, { since, follow }) {
        asked.push({ since, follow });
        yield* told;
      },
    },
  });
  t.equal(
    (await runLine("events web", fakeWorld(engine))).out,
    `2026-11-22T10:00:00.000Z  (pod)   asked to run
2026-11-22T10:02:00.000Z  server  exited with 7
`,
  );
  t.match(
    (await runLine("events web", fakeWorld(engine, { terminal: true }))).out,
    "\u001b[31mexited with 7\u001b[0m\n",
  );
  const server = "2026-11-22T10:02:00.000Z  server  exited with 7\n";
  t.equal((await runLine("events web -c server", fakeWorld(engine))).out, server);
  t.equal((await runLine("events web -c client", fakeWorld(engine))).out, "");
  t.equal((await runLine("events web --since 2m", fakeWorld(engine))).out, server, "two minutes before 10:03");
  t.match(await runLine("events web --since yesterday", fakeWorld(engine)), { status: 125, err: /cursor nor a time/ });
  t.match(await runLine("events web -c nobody", fakeWorld(engine)), { status: 125, err: /has no such container/ });
  asked.length = 0;
  const json = (await runLine("events -f --since 12 --format json web", fakeWorld(engine))).out;
  t.same(
    json
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
    told,
  );
  t.same(asked, [{ since: 12, follow: true }]);
  const later = told.map((event) => ({ ...event, seq: event.seq + 40 }));
  const shortened = fakeEngine({
    reader: {
      state: async () => aPod(),
      async *events() {
        yield* later;
      },
    },
  });
  const hinted = await runLine("events web", fakeWorld(shortened));
  t.match(hinted.out, /asked to run\n.*exited with 7\n$/);
  t.equal(hinted.err, "hint: the events up to 40 are not kept any more\n");
});

t.test("ns --diff: against the plan or another pod, with a status that tells", async (t) => {
  const asked: unknown[] = [];
  const engine = fakeEngine({
    rest: {
      namespaces: async (request) => noting(asked, request, { text: "a table", differences: request.against ? 2 : 0 }),
    },
  });
  t.same(await runLine("ns web", fakeWorld(engine)), { status: 0, out: "a table\n", err: "" });
  t.equal((await runLine("ns web --diff", fakeWorld(engine))).status, 1);
  t.equal((await runLine("ns web --diff db --format json", fakeWorld(engine))).status, 1);
  t.same(asked, [
    { pod: "web", format: "table" },
    { pod: "web", format: "table", against: { plan: true } },
    { pod: "web", format: "json", against: { pod: "db" } },
  ]);
});

t.test("doctor tells what was left over, and fixes it when told", async (t) => {
  const mine = { kind: "cgroup", name: "/peapod/web", owner: "web", detail: "2 processes", orphan: false };
  const left = { kind: "mount", name: "/run/x", owner: undefined, detail: "an overlay", orphan: true };
  const engine = fakeEngine({
    rest: { doctor: async ({ fix }) => ({ objects: [mine, left], fixed: fix ? [left] : [], problems: [] }) },
  });
  t.same(await runLine("doctor", fakeWorld(engine)), {
    status: 1,
    out: `OWNER  KIND    NAME         DETAIL
web    cgroup  /peapod/web  2 processes
-      mount   /run/x       left over: an overlay
2 objects, 1 left over, 0 removed
`,
    err: "hint: peapod doctor --fix removes what was left over\n",
  });
  t.match(await runLine("doctor --fix", fakeWorld(engine)), {
    status: 0,
    out: /removed: an overlay\n2 objects, 0 left over, 1 removed\n/,
  });
});

t.test("verify takes a pod or a journal", async (t) => {
  const asked: unknown[] = [];
  const engine = fakeEngine({
    rest: {
      verify: async (what) =>
        noting(asked, what, { events: 9, dropped: 0, violations: "journal" in what ? ["event 3 is missing"] : [] }),
    },
  });
  t.same(await runLine("verify web", fakeWorld(engine)), {
    status: 0,
    out: "web: 9 events, every rule is kept\n",
    err: "",
  });
  t.same(await runLine("verify ./journal", fakeWorld(engine)), {
    status: 1,
    out: "event 3 is missing\n./journal: 1 rule broken\n",
    err: "",
  });
  t.same(asked, [{ pod: "web" }, { journal: "./journal" }]);
});

t.test("bundle writes, and explains", async (t) => {
  const plan = {
    containers: [{ name: "server", reasons: { "process.args": { source: "manifest", where: "pod.yaml:9" } } }],
  } as never;
  const bundles = [{ container: "server" as never, dir: "/b/server" }];
  const engine = fakeEngine({ rest: { plan: async () => plan, bundle: async () => ({ plan, bundles }) } });
  t.same(await runLine("bundle pod.yaml -o /b", fakeWorld(engine)), { status: 0, out: "/b/server\n", err: "" });
  const table = "CONTAINER  PART          FROM      WHERE\nserver     process.args  manifest  pod.yaml:9\n";
  t.equal((await runLine("bundle pod.yaml --explain", fakeWorld(engine))).out, table);
  t.equal((await runLine("bundle pod.yaml --explain -o /b", fakeWorld(engine))).out, table);
  t.match(await runLine("bundle pod.yaml", fakeWorld(engine)), { status: 125, err: /hint: give -o DIR/ });
});

t.test("spec prints, and writes no file that is there", async (t) => {
  const engine = fakeEngine({ rest: { template: async () => "kind: Pod\n" } });
  t.equal((await runLine("spec", fakeWorld(engine))).out, "kind: Pod\n");
  const file = `${t.testdir({})}/pod.yaml`;
  t.equal((await runLine(`spec -o ${file}`, fakeWorld(engine))).status, 0);
  t.match(await runLine(`spec -o ${file}`, fakeWorld(engine)), { status: 125, err: /exists already/ });
});

t.test("generate writes where -o says, or -f as podman has it", async (t) => {
  const engine = fakeEngine({ rest: { generate: async () => "kind: Pod\n" } });
  const dir = t.testdir({});
  t.same(await runLine(`generate web -o ${dir}/o.yaml`, fakeWorld(engine)), { status: 0, out: "", err: "" });
  t.same(await runLine(`generate web -f ${dir}/f.yaml`, fakeWorld(engine)), { status: 0, out: "", err: "" });
  t.match(await runLine(`generate web -f ${dir}/a -o ${dir}/b`, fakeWorld(engine)), { status: 125, err: /two files/ });
  t.same(readdirSync(dir).sort(), ["f.yaml", "o.yaml"]);
});

t.test("inspect is one object", async (t) => {
  const reader = {
    state: async () => aPod(),
    manifest: async () => ({ spec: 1 }) as never,
    plan: async () => ({ version: 1 }) as never,
    resources: async () => ({ qosClass: "Burstable" }) as never,
  };
  const ran = await runLine("inspect web", fakeWorld(fakeEngine({ reader })));
  t.match(JSON.parse(ran.out), {
    state: { pod: "web" },
    resources: { qosClass: "Burstable" },
    manifest: { spec: 1 },
    plan: { version: 1 },
  });
});
