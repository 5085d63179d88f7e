// stats, top and update as command lines, on an engine that only remembers what it was asked.

import t from "tap";
import type { StatsRequest } from "../../../../src/engine/engine.ts";
import { aFrame } from "../../../support/a-frame.ts";
import { aPod, fakeEngine, fakeWorld, runLine } from "../../../support/cli-world.ts";

function statsWorld(terminal = false) {
  const asked: StatsRequest[] = [];
  const engine = fakeEngine({
    rest: {
      async *stats(request) {
        asked.push(request);
        yield aFrame({ web: { server: [1, 2] }, db: { main: [3, 4] } });
        if (!request.once) yield aFrame({ web: { server: [5, 6] } });
      },
    },
  });
  return { asked, fake: fakeWorld(engine, { terminal }) };
}

t.test("JSON is one object a line, one for each pod", async (t) => {
  const { asked, fake } = statsWorld();
  const { status, out } = await runLine("stats --no-stream --format json", fake);
  t.equal(status, 0);
  t.same(
    out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).pod),
    ["web", "db"],
  );
  t.match(asked, [{ once: true, intervalMs: 1000, pods: undefined }]);
});

t.test("a terminal is drawn anew, a pipe gets lines", async (t) => {
  const onTerminal = statsWorld(true);
  const drawn = await runLine("stats -i 0.2 web", onTerminal.fake);
  t.equal(drawn.out.split("\u001b[H\u001b[J").length, 3);
  t.match(onTerminal.asked, [{ intervalMs: 200, pods: ["web"] }]);
  const piped = await runLine("stats", statsWorld().fake);
  t.notOk(piped.out.includes("\u001b"));
  t.equal(piped.out.trim().split("\n").length, 6);
});

t.test("stats and top do not look without a pause", async (t) => {
  for (const line of ["stats -i 0", "stats --interval 50ms web", "top -i 0"]) {
    const { asked, fake } = statsWorld(true);
    const { status, err } = await runLine(line, fake);
    t.same([status, err], [125, "peapod: option --interval: must be 0.1 seconds or more\n"], line);
    t.same(asked, [], line);
  }
});

t.test("top without a terminal says what to use", async (t) => {
  const { status, err } = await runLine("top", statsWorld().fake);
  t.equal(status, 125);
  t.match(err, /top: needs a terminal as its input and output\nhint: peapod stats/);
});

t.test("update asks for what its options say", async (t) => {
  const asked: unknown[] = [];
  const engine = () =>
    fakeEngine({
      client: {
        update: async (more) => {
          asked.push(more);
          return aPod();
        },
      },
    });
  const update = async (line: string, stdin = "") => await runLine(`update ${line}`, fakeWorld(engine(), { stdin }));
  await update("web server client server --cpus 1.5 -m 64m --memory-swap -1 --pids-limit -1 --cpuset-cpus 0-1");
  await update("web --cpu-quota 5000 --cpu-period 10000 --blkio-weight 20 --memory-reservation 1g --cpu-shares 5");
  await update("web server -r - --pids-limit 3", '{"pids":{"limit":9},"cpu":{"shares":7}}');
  t.same(asked, [
    {
      containers: ["server", "client"],
      resources: {
        cpuQuotaUs: 150_000,
        cpuPeriodUs: 100_000,
        cpusetCpus: "0-1",
        memoryLimitBytes: 64 << 20,
        memorySwapBytes: -1,
        pidsLimit: -1,
      },
    },
    {
      containers: [],
      resources: {
        cpuShares: 5,
        cpuQuotaUs: 5000,
        cpuPeriodUs: 10_000,
        memoryReservationBytes: 2 ** 30,
        blkioWeight: 20,
      },
    },
    { containers: ["server"], resources: { pidsLimit: 3, cpuShares: 7 } },
  ]);
  t.match((await update("web --cpus lots")).err, /option --cpus: "lots" is not a number of processors/);
  t.match((await update("web --pids-limit 0")).err, /option --pids-limit: must be 1 or more, or -1 for no limit/);
  t.match((await update("web --pids-limit few")).err, /option --pids-limit: "few" is not a whole number/);
  t.match((await update("web -r /nowhere")).err, /resources \/nowhere: cannot be read/);
});

t.test("update: what is out of bounds is told of the option, or of the field of runc's file", async (t) => {
  const table: [line: string, stdin: string, message: string][] = [
    ["--cpu-shares 1", "", "option --cpu-shares: must be 2 or more"],
    ["--blkio-weight 5", "", "option --blkio-weight: must be 10 or more"],
    ["--cpu-period 10", "", "option --cpu-period: must be 1000 or more"],
    ["--cpuset-mems all", "", "option --cpuset-mems: must be a list such as 0-2,5"],
    ["-r -", '{"cpu":{"shares":1}}', "resources -: cpu.shares must be 2 or more"],
    ["-r -", '{"pids":{"limit":1.5}}', "resources -: pids.limit must be a whole number, is the number 1.5"],
  ];
  for (const [line, stdin, message] of table) {
    const { status, err } = await runLine(`update web ${line}`, fakeWorld(fakeEngine({}), { stdin }));
    t.same([status, err], [125, `peapod: ${message}\n`], line);
  }
});

t.test("update: no limit on memory is 0 or -1, and a size in MB is in MiB", async (t) => {
  const limits: unknown[] = [];
  const client = {
    async update({ resources }: { resources: object }) {
      limits.push(resources);
      return aPod();
    },
  };
  for (const size of ["0", "-1", "64MB"]) await runLine(`update web -m ${size}`, fakeWorld(fakeEngine({ client })));
  t.same(
    limits,
    [-1, -1, 64 << 20].map((memoryLimitBytes) => ({ memoryLimitBytes })),
  );
});
