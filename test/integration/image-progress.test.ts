// How a pull shows on a terminal: one line, however wide the window is and becomes, wiped away before whatever comes next.

import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { AScreen } from "../support/a-screen.ts";
import { ATerminal, NO_TERMINAL } from "../support/a-terminal.ts";
import { makeImage, whyNoImages } from "../support/image-layout.ts";
import { type PeapodHost, testWithPeapod } from "../support/peapod-host.ts";
import { Gate, Registry } from "../support/registry.ts";
import { patient } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

t.setTimeout(patient(300_000));

const skip = whyNoImages("docker-registry") || NO_TERMINAL;

/** `a:1` and `b:1`, each of a layer that no buffer on the way holds, behind a gate that stops in the middle of the first. */
async function withImages(host: PeapodHost, run: (registry: Registry) => Promise<void>): Promise<void> {
  const layout = join(host.dir, "layout");
  const registry = await Registry.start(host.dir);
  try {
    for (const tag of ["a", "b"]) {
      const tree = join(host.dir, tag);
      mkdirSync(tree);
      writeFileSync(join(tree, "file"), randomBytes(2_000_000));
      makeImage(layout, { tag, trees: [tree] });
      registry.push(layout, tag, `${tag}:1`);
    }
    await run(registry);
  } finally {
    await registry.stop();
  }
}

/** What `terminal` has been sent so far. */
function saidTo(terminal: ATerminal): string {
  return Buffer.from(terminal.screen, "latin1").toString("utf8");
}

/** What was drawn, without what draws it. */
function drawnIn(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return [...text.matchAll(/\x1b\[\?7l([^\x1b]*)\x1b\[\?7h\r/g)].map(([, line]) => line ?? "");
}

testWithPeapod(
  "one line at any width, also where the window changes, and nothing of it at the end",
  async (t, host) =>
    await withImages(host, async (registry) => {
      for (const columns of [200, 80, 40, 20]) {
        const gate = await Gate.open(registry.address, 700_000);
        try {
          const images = ["a:1", "b:1"].map((name) => `${gate.address}/${name}`);
          const terminal = new ATerminal(host, ["image", "pull", ...images], 24, columns);
          await waitUntil("it is in the middle", () => gate.isSilent, 20_000);
          await waitUntil("that is shown", () => drawnIn(saidTo(terminal)).length > 1, 20_000);
          const before = saidTo(terminal);
          const other = columns === 20 ? 100 : columns / 2;
          terminal.resize(24, other);
          const shown = drawnIn(before).at(-1) ?? "";
          // Where the same text fits, there is nothing to draw.
          if (shown.length >= other || other > columns)
            await waitUntil("it hears of that", () => saidTo(terminal).length > before.length, 20_000);
          gate.goOn();
          t.match(await terminal.ended, { status: 0, restored: true });
          const after = saidTo(terminal).slice(before.length);
          t.match(shown, columns === 20 ? /^pulling …\S+a:1 +\d+%$/ : /^pulling \d\S+a:1 .*%/);
          t.strictSame(tooLong(drawnIn(before), columns), [], `${columns} columns`);
          t.strictSame(tooLong(drawnIn(after), other), [], `then ${other}`);
          for (const breaksLines of [true, false]) {
            const screen = new AScreen({ columns, breaksLines });
            screen.write(before);
            t.equal(screen.rows.length, 1, `one line in ${columns} columns`);
            screen.resize(other);
            screen.write(after);
            t.match(screen.rows.join(""), /^(sha256:[0-9a-f]{64}){2}$/, "at the end the digests alone");
            t.ok(screen.wraps);
          }
          await host.must("image", "prune", "--all");
        } finally {
          gate.close();
        }
      }
    }),
  { skip },
);

function tooLong(lines: readonly string[], columns: number): string[] {
  return lines.filter((line) => line.length >= columns);
}

testWithPeapod(
  "peapod run, too, knows how wide its caller's window is; a terminal that cannot draw gets plain lines",
  async (t, host) =>
    await withImages(host, async ({ address }) => {
      const write = (name: string, image: string) => {
        const file = join(host.dir, `${name}.yaml`);
        const spec = `{containers: [{name: c, image: '${address}/${image}', command: [/none]}]}`;
        writeFileSync(file, `{apiVersion: v1, kind: Pod, metadata: {name: ${name}}, spec: ${spec}}`);
        return file;
      };
      for (const words of [["run", "-d"], ["run"]]) {
        const terminal = new ATerminal(host, [...words, write("wide", words.length === 1 ? "a:1" : "b:1")], 24, 30);
        t.match(await terminal.ended, { restored: true });
        const said = saidTo(terminal);
        t.ok(drawnIn(said).length > 0, words.join(" "));
        t.strictSame(tooLong(drawnIn(said), 30), []);
        const screen = new AScreen({ columns: 30, breaksLines: true });
        screen.write(said);
        t.match(screen.rows[0], /^peapod: /, "the error stands where the line was");
        t.notMatch(screen.rows.join(""), /pulling|unpacking/);
      }
      const image = `${address}/a:1`;
      await host.must("image", "rm", image);
      const dumb = new ATerminal(host, ["image", "pull", image], 24, 80, { TERM: "dumb" });
      t.match(await dumb.ended, { status: 0 });
      const lines = ["pulling", "unpacking"].map((verb) => `${verb} ${image}\r\n`);
      t.equal(saidTo(dumb).replace(/[0-9a-f]{64}/, "HEX"), `${lines.join("")}sha256:HEX\r\n`);
    }),
  { skip },
);
