import t from "tap";
import { makeProgress, makePullTeller } from "../../../../src/doors/cli/pull-teller.ts";
import type { PullNews } from "../../../../src/engine/engine.ts";

const news = (doing: PullNews["doing"], doneBytes = 0, totalBytes = 0): PullNews => ({
  image: "a.io/x:1",
  doing,
  doneBytes,
  totalBytes,
});

function tell(isErrorTerminal: boolean, all: readonly PullNews[]): string {
  let said = "";
  const output = {
    err: (text: string) => {
      said += text;
    },
    isErrorTerminal,
    columns: 80,
  };
  const teller = makePullTeller(output as unknown as Parameters<typeof makePullTeller>[0]);
  for (const one of all) teller(one);
  return said;
}

t.test("elsewhere than on a terminal a line for each thing that begins", async (t) => {
  const all = [news("waiting"), news("pulling", 1, 9), news("pulling", 5, 9), news("unpacking", 1, 9), news("done")];
  t.equal(tell(false, all), "waiting for another pull of a.io/x:1\npulling a.io/x:1\nunpacking a.io/x:1\n");
  t.equal(tell(false, [news("done")]), "");
});

t.test("on a terminal one line that is wiped away", async (t) => {
  const said = tell(true, [news("pulling", 512, 1024), news("done")]);
  t.equal(said, `\r\x1b[Kpulling a.io/x:1 ${"━".repeat(12)}${"─".repeat(12)}  50% 512B of 1.0KiB\r\x1b[K`);
  t.equal(tell(true, [news("done")]), "");
});

t.test("what does not fit is left out", async (t) => {
  t.equal(makeProgress("pulling a", news("pulling", 1, 4), 40), "pulling a  25% 1B of 4B");
  t.equal(makeProgress("pulling a", news("pulling", 1, 4), 16), "pulling a  25%");
  t.equal(makeProgress("pulling a", news("pulling", 1, 4), 8), "pullin…");
  t.equal(makeProgress("pulling a", news("pulling", 2048, 0), 80), "pulling a 2.0KiB");
});
