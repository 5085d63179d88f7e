import { stripVTControlCharacters } from "node:util";
import t from "tap";
import { drawTop } from "../../../../../src/doors/cli/top/draw.ts";
import { makeView, type View, withFrame, withKey } from "../../../../../src/doors/cli/top/view.ts";
import { aFrame } from "../../../../support/a-frame.ts";

const GOLDEN_80 = [
  "peapod top  2 pods, 3 containers  by cpu  10:03:00",
  "cpu ██████▍··· 128.0% of 200%   memory ███▋······ 372MiB of 1.0GiB",
  "",
  "POD          STATUS      CPU▼                  MEMORY                 PIDS",
  "▾ web        running   123.0% ███▊··     ▁▂▅█   72MiB ▍·····     ████    2",
  "    server   running   120.0% ███▋··     ▁▂▄█   64MiB ▍·····     ████    2",
  "    client   running     3.0% ▏·····     ▁▁▁▁  8.0MiB ······     ████    2",
  "▸ db         running     5.0% ▏·····     ▁▁▁▁  300MiB █▊····     ████    2",
  "",
  "",
  "",
  "arrows move  enter open  e all  sort: c cpu m memory p pids n name  q quit",
];
const GOLDEN_150 = [
  "peapod top  1 pod, 1 container  by cpu  10:03:00",
  "cpu ██▌······· 50.0% of 200%   memory ▋········· 64MiB of 1.0GiB",
  "",
  "POD          STATUS      CPU▼                  MEMORY                 PIDS NET IN / OUT      BLOCK R / W       WAITS C/M/I   ",
  "▸ web        running    50.0% █▌····        ▄   64MiB ▍·····        █    2 2.0KiB / 100B     - / -             1.5 0 12      ",
  "arrows move  enter open  e all  sort: c cpu m memory p pids n name  q quit",
];

function aView(): View {
  let view = makeView(["web"]);
  for (const load of [0, 20, 60, 120]) {
    view = withFrame(view, aFrame({ web: { server: [load, 64], client: [3, 8] }, db: { main: [5, 300] } }));
  }
  return view;
}

t.test("a screen of 80 by 12", async (t) => {
  t.same(drawTop(aView(), { columns: 80, rows: 12, hasColors: false }), GOLDEN_80);
});

t.test("a wide one has all columns, pressure where the kernel tells it", async (t) => {
  const pressure = { cpu: 1.5, memory: 0, io: 12 };
  const view = withFrame(makeView(), aFrame({ web: { server: [50, 64] } }, { pressure }));
  t.same(drawTop(view, { columns: 150, rows: 6, hasColors: false }), GOLDEN_150);
});

t.test("no screen is too small: never more lines than rows, nor wider than columns", async (t) => {
  const long = withFrame(makeView(), aFrame({ ["a-rather-long-name-for-a-pod".repeat(2)]: { c: [1, 1] } }));
  for (const view of [aView(), makeView(), long, withFrame(makeView(), aFrame({}))]) {
    for (let columns = 1; columns < 140; columns += 3) {
      for (const rows of [1, 2, 5, 6, 24]) {
        const lines = drawTop(view, { columns, rows, hasColors: false });
        t.ok(lines.length <= rows && lines.every((line) => [...line].length <= columns), `${columns}x${rows}`);
      }
    }
  }
});

t.test("the selected row is always in sight", async (t) => {
  const pods = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`pod-${i}`, { c: [60 - i, 1] as const }]));
  let view = withFrame(makeView(), aFrame(pods));
  for (let i = 0; i < 60; i += 1) {
    const lines = drawTop(view, { columns: 80, rows: 24, hasColors: true });
    t.ok(
      lines.some((line) => line.includes("\u001b[7m") && line.includes(`pod-${i} `)),
      `pod-${i}`,
    );
    view = withKey(view, "down", 10) as View;
  }
});

t.test("colours take no room", async (t) => {
  const plain = drawTop(aView(), { columns: 80, rows: 12, hasColors: true }).map((line) =>
    stripVTControlCharacters(line),
  );
  t.same(plain, drawTop(aView(), { columns: 80, rows: 12, hasColors: false }));
});
