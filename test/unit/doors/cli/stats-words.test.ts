import t from "tap";
import { makeStatsLines, makeStatsTable } from "../../../../src/doors/cli/stats-words.ts";
import { aFrame } from "../../../support/a-frame.ts";

const FRAME = aFrame({ web: { server: [12.34, 64], client: [0, 1] } });

t.test("a pod's row stands above those of its containers", async (t) => {
  t.equal(
    makeStatsTable(FRAME),
    `POD  CONTAINER  CPU %  MEMORY / LIMIT  MEM %  NET IN / OUT   BLOCK R / W  PIDS
web  -          12.3%  65MiB / -        6.3%  2.0KiB / 100B  - / -           2
     server     12.3%  64MiB / -        6.3%  - / -          - / -           2
     client      0.0%  1.0MiB / -       0.1%  - / -          - / -           2
`,
  );
  const pressed = aFrame({ web: { server: [1, 1] } }, { pressure: { cpu: 1.5, memory: 0, io: 12 } });
  t.match(makeStatsTable(pressed), /WAITS C\/M\/I %\n.* 1\.5 0 12\n/);
});

t.test("where it is no terminal there is a line for each, with its time", async (t) => {
  t.equal(
    makeStatsLines(FRAME).split("\n")[1],
    "2026-11-22T10:03:00.000Z web/server cpu=12.3% memory=64MiB limit=- net=-/- block=-/- pids=2",
  );
});
