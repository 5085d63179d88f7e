import t from "tap";
import { makeLogPrinter } from "../../../../src/doors/cli/log-printer.ts";
import { aLine, fakeWorld } from "../../../support/cli-world.ts";

function aPrinter(containers: string[], more: { timestamps?: boolean; terminal?: boolean } = {}) {
  const fake = fakeWorld(undefined, { terminal: more.terminal ?? false });
  return { fake, printer: makeLogPrinter(fake.world.output, { containers, timestamps: more.timestamps ?? false }) };
}

t.test("prefixes are as wide as the longest name, and absent for one container", async (t) => {
  const two = aPrinter(["web", "sidecar"]);
  two.printer.print("web", aLine("a"));
  two.printer.print("sidecar", aLine("b"));
  t.equal(two.fake.out, "web     | a\nsidecar | b\n");
  const one = aPrinter(["web"]);
  one.printer.print("web", aLine("a"));
  t.equal(one.fake.out, "a\n");
});

t.test("streams stay apart", async (t) => {
  const { fake, printer } = aPrinter(["web"]);
  printer.print("web", aLine("a", { stream: "stderr" }));
  t.same([fake.out, fake.err], ["", "a\n"]);
});

t.test("pieces of a line are one line again, whatever comes between them", async (t) => {
  const { fake, printer } = aPrinter(["a", "b"], { timestamps: true });
  printer.print("a", aLine("lo", { partial: true, time: "T1" }));
  printer.print("b", aLine("other", { time: "T2" }));
  printer.print("a", aLine("error", { stream: "stderr", time: "T3" }));
  printer.print("a", aLine("ng", { partial: true, time: "T4" }));
  printer.print("a", aLine("!", { time: "T5" }));
  t.equal(fake.out, "b | T2 other\na | T1 long!\n");
  t.equal(fake.err, "a | T3 error\n");
});

t.test("a line that never ends is printed at the end, and one without measure before that", async (t) => {
  const { fake, printer } = aPrinter(["a", "b"]);
  printer.print("a", aLine("prompt> ", { partial: true }));
  printer.flush("b");
  t.equal(fake.out, "");
  printer.flush("a");
  t.equal(fake.out, "a | prompt> \n");
  const piece = "x".repeat(300_000);
  for (let i = 0; i < 4; i += 1) printer.print("b", aLine(piece, { partial: true }));
  t.equal(fake.out.length, "a | prompt> \n".length + 4 + 1_200_000 + 1);
});

t.test("colours differ by container and are only there on a terminal", async (t) => {
  const { fake, printer } = aPrinter(["a", "b"], { terminal: true });
  printer.print("a", aLine("1"));
  printer.print("b", aLine("2"));
  t.equal(fake.out, "\u001b[36ma | \u001b[0m1\n\u001b[33mb | \u001b[0m2\n");
});
