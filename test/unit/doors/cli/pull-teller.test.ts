import t from "tap";
import { makeProgress, makePullTeller } from "../../../../src/doors/cli/pull-teller.ts";
import type { PullNews } from "../../../../src/engine/engine.ts";
import { AScreen } from "../../../support/a-screen.ts";

const IMAGE = "docker.io/library/nginx:1.27";

const news = (doing: PullNews["doing"], doneBytes = 0, totalBytes = 0, image = "a.io/x:1"): PullNews => ({
  image,
  doing,
  doneBytes,
  totalBytes,
});

type Teller = ReturnType<typeof makePullTeller>;

function makeTeller(errCanDraw: boolean, err: (text: string) => void, columns = () => 80): Teller {
  const output = {
    err,
    errCanDraw,
    get errColumns() {
      return columns();
    },
  };
  return makePullTeller(output as unknown as Parameters<typeof makePullTeller>[0]);
}

function tell(isErrorTerminal: boolean, all: readonly PullNews[]): string {
  let said = "";
  const teller = makeTeller(isErrorTerminal, (text) => {
    said += text;
  });
  for (const one of all) teller(one);
  return said;
}

t.test("elsewhere than on a terminal a line for each thing that begins", async (t) => {
  const all = [news("waiting"), news("pulling", 1, 9), news("pulling", 5, 9), news("unpacking", 1, 9), news("done")];
  t.equal(tell(false, all), "waiting for another pull of a.io/x:1\npulling a.io/x:1\nunpacking a.io/x:1\n");
  t.equal(tell(false, [news("done")]), "");
  t.equal(tell(false, [news("pulling", 0, 0, "oci:\x1b[2J\nx")]), "pulling oci: [2J x\n", "names move no cursor");
});

t.test("on a terminal one line that is wiped away", async (t) => {
  const said = tell(true, [news("pulling", 512, 1024), news("pulling", 512, 1024), news("done")]);
  const bar = `${"━".repeat(12)}${"─".repeat(12)}`;
  t.equal(said, `\r\x1b[J\x1b[?7lpulling a.io/x:1 ${bar}  50% 512B of 1.0KiB\x1b[?7h\r\r\x1b[J`);
  t.equal(tell(true, [news("done")]), "");
  t.equal(tell(true, [news("would pull")]), "would pull a.io/x:1\n");
});

t.test("what does not fit is left out: the bar, the sizes, where the name begins", async (t) => {
  const half = news("pulling", 512, 1024, IMAGE);
  const bar = `${"━".repeat(12)}${"─".repeat(12)}`;
  const table: readonly [PullNews, number, string][] = [
    [half, 200, `pulling ${IMAGE} ${bar}  50% 512B of 1.0KiB`],
    [half, 80, `pulling ${IMAGE}  50% 512B of 1.0KiB`],
    [half, 43, `pulling ${IMAGE}  50%`],
    [half, 40, "pulling …ker.io/library/nginx:1.27  50%"],
    [half, 20, "pulling …:1.27  50%"],
    [half, 18, "pulling …inx:1.27"],
    [half, 14, "pulling  50%"],
    [half, 9, "pulling"],
    [half, 5, "pull"],
    [half, 1, ""],
    [news("pulling", 2048, 0, IMAGE), 80, `pulling ${IMAGE} 2.0KiB`],
    [news("pulling", 2048, 0, IMAGE), 30, "pulling …ry/nginx:1.27 2.0KiB"],
    [news("waiting", 0, 0, IMAGE), 40, "waiting for another pull of …nginx:1.27"],
    [news("waiting", 0, 0, IMAGE), 20, "waiting for another"],
    [news("unpacking", 4096, 1024, IMAGE), 50, `unpacking ${IMAGE} 100%`],
  ];
  for (const [one, columns, text] of table) t.equal(makeProgress(one, columns), text, `${columns} columns`);
  for (let columns = 1; columns < 120; columns += 1)
    for (const one of [half, news("waiting", 0, 0, IMAGE), news("unpacking", 4000, 0, IMAGE)]) {
      const { length } = makeProgress(one, columns);
      if (length >= columns) t.fail(`${length} signs in ${columns} columns`);
    }
});

for (const breaksLines of [true, false])
  t.test(`a window that changes: no rest of an older line (lines are ${breaksLines ? "broken" : "cut"})`, async (t) => {
    const screen = new AScreen({ columns: 100, breaksLines });
    let columns = 100;
    const teller = makeTeller(
      true,
      (text) => screen.write(text),
      () => columns,
    );
    const resize = (wide: number) => {
      columns = wide;
      screen.resize(wide);
    };
    screen.write("$ peapod image pull\n");
    teller(news("pulling", 10, 1000, IMAGE));
    for (const wide of [40, 20, 7, 60, 20, 200, 33]) {
      resize(wide);
      teller(news("pulling", wide, 1000, IMAGE));
      t.strictSame(screen.rows.slice(-1), [makeProgress(news("pulling", wide, 1000, IMAGE), wide)]);
      const before = screen.rows.slice(0, -1).join("");
      t.match("$ peapod image pull", before, "and nothing else but what was there before");
    }
    // It becomes narrower between our question and what we write.
    screen.resize(12);
    teller(news("pulling", 999, 1000, IMAGE));
    t.equal(screen.rows.filter((row) => /pulling/.test(row)).length, 1);
    t.ok(screen.wraps, "others may wrap their lines");
    resize(80);
    teller(news("failed"));
    screen.write("peapod: sorry\n");
    teller(news("pulling", 0, 0, "b"));
    teller(news("done"));
    screen.write("sha256:1\n");
    t.strictSame(screen.rows.slice(-2), ["peapod: sorry", "sha256:1"]);
    t.notMatch(screen.rows.join(), /pulling /);
  });
