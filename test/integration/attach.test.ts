// A container's streams without a terminal: who gives it input, when that ends, and who gets its output.

import { join } from "node:path";
import type { PodName } from "../../src/base/names.ts";
import { makePodPaths } from "../../src/base/paths.ts";
import { connectAttach } from "../../src/io/attach-client.ts";
import { killIfThere } from "../support/if-any.ts";
import { childrenOf, ioOf, readLogTexts } from "../support/own-processes.ts";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

const CAT = { name: "cat", run: "while read line; do echo got $line; done; echo end", stdin: true };

function attachSocket(host: PeapodHost, pod: PodFile, container: string): string {
  return join(makePodPaths(host.root, pod.name as PodName).io, container, "attach.sock");
}

testWithPeapod("run -i gives what is piped and ends with the container", async (t, host) => {
  const pod = host.aPod({ containers: [{ ...CAT, stdinOnce: true }] });
  const many = Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join("");
  const { code, out } = await host.start(["run", "-i", pod.file], { input: many }).ended;
  t.equal(code, 0);
  t.equal(out, `${many.replaceAll(/^/gm, "got ").slice(0, -4)}end\n`);
});

testWithPeapod("who does not read for a while has missed nothing of thirty thousand lines", async (t, host) => {
  const run =
    "until [ -e /go ]; do echo here; sleep 0.1; done; for i in $(seq 30000); do echo line $i; done; exec sleep 1000";
  const pod = host.aPod({ containers: [{ name: "c", run }] });
  await host.must("run", "-d", pod.file);
  const looker = host.start(["attach", "--no-stdin", pod.name]);
  await waitUntil("it looks on", () => /here/.test(looker.said.out));
  looker.child.kill("SIGSTOP");
  await host.touch(pod.name, "/go");
  await waitUntil("all is written", () => readLogTexts(host, pod, "c").includes("line 30000"));
  looker.child.kill("SIGCONT");
  await waitUntil("it has read the last one", () => /line 30000\n/.test(looker.said.out));
  const lines = Array.from({ length: 30_000 }, (_, index) => `line ${index + 1}\n`).join("");
  t.equal(looker.said.out.replace(/^here\n/gm, ""), lines);
  await host.must("kill", pod.name, "KILL");
  await looker.ended;
});

testWithPeapod("with stdinOnce the first giver's end is the end, and later ones give nothing", async (t, host) => {
  const pod = host.aPod({ containers: [{ ...CAT, run: `${CAT.run}; exec sleep 1000`, stdinOnce: true }] });
  await host.must("run", "-d", pod.file);
  const looker = host.start(["attach", "--no-stdin", pod.name]);
  const { code } = await host.peapod("attach", "-t", pod.name);
  t.equal(code, 125, "it has no terminal");
  const giver = host.start(["attach", "-i", pod.name], { input: "one\ntwo\n" });
  await waitUntil("it has read the end", () => readLogTexts(host, pod, "cat").includes("end"));
  t.same(readLogTexts(host, pod, "cat"), ["got one", "got two", "end"]);
  await waitUntil("all look on", () => /end/.test(giver.said.out) && /end/.test(looker.said.out));
  t.match(await host.peapod("attach", "-i", pod.name), { code: 125, err: /container cat: has no standard input/ });
  await host.must("kill", pod.name, "KILL");
  t.equal((await giver.ended).code, 137, "the container's own status");
});

testWithPeapod("without stdinOnce givers come and go, also while the io is killed", async (t, host) => {
  const pod = host.aPod({ containers: [CAT] });
  await host.must("run", "-d", pod.file);
  const give = async (text: string) => {
    const giver = await connectAttach(attachSocket(host, pod, "cat"), {
      onOutput: () => undefined,
      onSkipped: () => undefined,
    });
    giver.openInput();
    await giver.write(Buffer.from(text));
    giver.endInput();
    giver.close();
  };
  await give("one\n");
  await waitUntil("it got it", () => readLogTexts(host, pod, "cat").includes("got one"));
  const dead = ioOf(host, pod, "cat");
  killIfThere(dead);
  await waitUntil("there is another", () => ![undefined, dead].includes(ioOf(host, pod, "cat")));
  await give("two\n");
  await waitUntil("it got it", () => readLogTexts(host, pod, "cat").includes("got two"));
  t.equal((await host.state(pod)).status, "running", "it has read no end");
});

testWithPeapod("a container that does not read makes its giver wait, and nobody else", async (t, host) => {
  const run = "while [ ! -e /tmp/go ]; do echo here; sleep 0.1; done; wc -c";
  const pod = host.aPod({ containers: [{ name: "late", run, stdin: true, stdinOnce: true }] });
  await host.must("run", "-d", pod.file);
  const input = "x".repeat(1_000_000);
  const giver = host.start(["attach", pod.name], { input });
  const looker = host.start(["attach", "--no-stdin", pod.name]);
  await waitUntil("its output is shown", () => /here\n(.|\n)*here\n/.test(looker.said.out));
  await host.touch(pod.name, "/tmp/go");
  t.equal((await giver.ended).code, 0);
  t.match(readLogTexts(host, pod, "late").at(-1), /^1000000$/);
});

testWithPeapod("Ctrl-C at a container without a terminal is the container's", async (t, host) => {
  const run = "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.1; done";
  const pod = host.aPod({ containers: [{ name: "trap", run, stdin: true }] });
  const user = host.start(["run", "-i", pod.file]);
  await waitUntil("it is ready", () => /ready/.test(user.said.out));
  user.child.kill("SIGINT");
  t.match(await user.ended, { code: 3, out: "ready\ncaught\n" });
});

testWithPeapod(
  "where nothing has input or a terminal there is no keeper, and run -it says what is missing",
  async (t, host) => {
    const pod = host.aPod({ containers: [{ name: "plain" }, { name: "input", stdin: true }] });
    t.match(await host.peapod("run", "-it", pod.file), {
      code: 125,
      err: /pod pod1: no container of its manifest says stdin: true and tty: true/,
    });
    await host.must("run", "-d", pod.file);
    t.same(childrenOf(ioOf(host, pod, "plain") ?? 0), []);
    t.equal(childrenOf(ioOf(host, pod, "input") ?? 0).length, 1);
    t.match(await host.peapod("attach", pod.name), { code: 125, err: /has several containers/ });
  },
);
