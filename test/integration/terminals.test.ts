// A container's terminal: somebody sits down at it, types, sees, resizes, leaves and comes back; it outlives its io.

import { ATerminal, NO_TERMINAL } from "../support/a-terminal.ts";
import { killIfThere } from "../support/if-any.ts";
import { childrenOf, ioOf, readLogWhole, supervisorOf } from "../support/own-processes.ts";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

const skip = NO_TERMINAL;
const SHELL = { name: "shell", run: ["/bin/sh"], stdin: true, tty: true };
const LEAVE = "\x10\x11";
/** Says so itself: a Ctrl-C before it is in the foreground is the shell's, which then waits for it. */
const BUSY = "sh -c 'echo busy; exec sleep 1000'";

function aShell(host: PeapodHost, more: readonly { name: string; run: string }[] = []): PodFile {
  return host.aPod({ containers: [SHELL, ...more] });
}

testWithPeapod(
  "run -it is a shell: keys, output, window size, Ctrl-C, exit status",
  async (t, host) => {
    const pod = aShell(host);
    const user = new ATerminal(host, ["run", "-it", pod.file], 31, 91);
    await user.sees(/\/ # /);
    user.type("stty size; tty; echo $TERM\n");
    await user.sees(/31 91\r\n\/dev\/pts\/0\r\nxterm\r\n/);
    user.resize(22, 44);
    user.type("stty size\n");
    await user.sees(/22 44\r\n/);
    user.type(`${BUSY}\n`);
    await user.sees(/busy\r\n/);
    user.type("\x03");
    await user.sees(/\/ # /);
    user.type("echo it was $?\n");
    await user.sees(/it was 130\r\n/);
    user.type("exit 9\n");
    t.same(await user.ended, { status: 9, restored: true });
    t.match(await host.peapod("state", pod.name), { code: 125 }, "the pod went with its end");
  },
  { skip },
);

testWithPeapod(
  "the detach keys leave a pod running, attach comes back, and its exit status is the shell's",
  async (t, host) => {
    const pod = aShell(host);
    const first = new ATerminal(host, ["run", "-it", pod.file]);
    await first.sees(/\/ # /);
    first.type("A=kept\n");
    first.type(LEAVE);
    t.same(await first.ended, { status: 0, restored: true });
    const second = new ATerminal(host, ["attach", "-it", "--detach-keys", "ctrl-a,x", pod.name], 40, 100);
    second.type("echo $A; stty size\n");
    await second.sees(/kept\r\n40 100\r\n/);
    second.type("echo \x10\x10\x11here\n");
    await second.sees(/here/);
    second.type("\x01x");
    t.same(await second.ended, { status: 0, restored: true }, "other keys can be chosen");
    const third = new ATerminal(host, ["attach", pod.name]);
    third.type("exit 3\n");
    t.same(await third.ended, { status: 3, restored: true });
  },
  { skip },
);

testWithPeapod(
  "several may be at one terminal, and one that looks on gives nothing",
  async (t, host) => {
    const pod = aShell(host);
    await host.must("run", "-d", pod.file);
    const looker = new ATerminal(host, ["attach", "--no-stdin", pod.name]);
    const user = new ATerminal(host, ["attach", "-it", pod.name, "shell"]);
    await user.typesUntil("echo o''ne\n", () => [looker, user].every(({ screen }) => /one\r/.test(screen)));
    looker.type("echo two\n");
    user.type("echo thr''ee\n");
    await looker.sees(/three/);
    t.notMatch(readLogWhole(host, pod, "shell"), /F two/);
    user.type("exit\n");
    t.equal((await user.ended).status, 0);
    t.equal((await looker.ended).status, 0);
  },
  { skip },
);

testWithPeapod(
  "the terminal outlives its io, awake or asleep, and who is attached stays",
  async (t, host) => {
    const pod = aShell(host);
    await host.must("run", "-d", pod.file);
    const user = new ATerminal(host, ["attach", "-it", pod.name], 33, 77);
    for (const isAsleep of [false, true]) {
      user.type("echo be''fore\n");
      await user.sees(/before\r\n/);
      if (isAsleep) await waitUntil("the supervisor sleeps", () => supervisorOf(host, pod) === undefined);
      const answered = (user.screen.match(/33 77\r\n/g) ?? []).length;
      const dead = ioOf(host, pod, "shell");
      killIfThere(dead);
      await waitUntil("there is another", () => ![undefined, dead].includes(ioOf(host, pod, "shell")));
      // What is typed while nobody listens is lost; so it is asked until it is answered.
      await user.typesUntil("stty size\n", () => (user.screen.match(/33 77\r\n/g) ?? []).length > answered);
    }
    t.match(readLogWhole(host, pod, "shell"), /F:restarted/);
    user.type("exit 4\n");
    t.equal((await user.ended).status, 4);
  },
  { skip },
);

testWithPeapod(
  "a terminal whose keeper is killed with its io is lost: the container is hung up, and the log says so",
  async (t, host) => {
    const pod = aShell(host);
    await host.must("run", "-d", pod.file);
    const io = ioOf(host, pod, "shell");
    const keepers = childrenOf(io ?? 0);
    t.equal(keepers.length, 1);
    // The keeper first: an io that is started again in between would take the terminal over from it.
    for (const pid of [...keepers, io]) killIfThere(pid);
    await host.must("wait", pod.name);
    await waitUntil("it is told", () => /the terminal is lost/.test(readLogWhole(host, pod, "shell")));
  },
  { skip },
);

testWithPeapod(
  "a signal for peapod itself gives the terminal back and stops the pod",
  async (t, host) => {
    const pod = aShell(host);
    const user = new ATerminal(host, ["run", "-it", pod.file]);
    await user.sees(/\/ # /);
    user.signal(15);
    t.same(await user.ended, { status: 143, restored: true });
    const again = new ATerminal(host, ["run", "-it", "-c", "nobody", pod.file]);
    t.same(await again.ended, { status: 125, restored: true });
    t.match(again.screen, /has no container nobody/);
  },
  { skip },
);

testWithPeapod(
  "exec -it: a terminal, its size, Ctrl-C, exit status, and keys to leave by",
  async (t, host) => {
    const pod = host.aPod({ containers: 1 });
    await host.must("run", "-d", pod.file);
    const user = new ATerminal(host, ["exec", "-it", pod.name, "sh"], 20, 30);
    await user.sees(/\/ # /);
    user.type("stty size\n");
    await user.sees(/20 30\r\n/);
    user.resize(33, 44);
    user.type("stty size\n");
    await user.sees(/33 44\r\n/);
    user.type(`${BUSY}\n`);
    await user.sees(/busy\r\n/);
    user.type("\x03");
    await user.sees(/\/ # /);
    user.type("exit 6\n");
    t.same(await user.ended, { status: 6, restored: true });
    const other = new ATerminal(host, ["exec", "-it", pod.name, "sh"]);
    await other.sees(/\/ # /);
    other.type("echo on > /tmp/left; sleep 1000\n");
    other.type(LEAVE);
    t.same(await other.ended, { status: 0, restored: true });
    await waitUntil("it runs on", async () => (await host.peapod("exec", pod.name, "cat", "/tmp/left")).out === "on\n");
    t.match(await host.must("ps", pod.name), /sleep 1000(.|\n)*sleep 1000/);
    const missing = new ATerminal(host, ["exec", "-it", pod.name, "no-such-command"]);
    t.same(await missing.ended, { status: 127, restored: true });
  },
  { skip },
);

testWithPeapod("exec -t and -i, alone and together, without a terminal of the caller's own", async (t, host) => {
  const pod = host.aPod({ containers: 1 });
  await host.must("run", "-d", pod.file);
  const exec = (flags: readonly string[], input: string, ...command: string[]) =>
    host.start(["exec", ...flags, pod.name, ...command], { input }).ended;
  t.match(await exec(["-i"], "hello\n", "cat"), { code: 0, out: "hello\n" });
  t.match(await exec([], "", "tty"), { code: 1, out: "not a tty\n" });
  t.match(await exec(["-t"], "", "sh", "-c", "tty; exit 5"), { code: 5, out: "/dev/pts/0\r\n" });
  t.match(await exec(["-it"], "exit 7\n", "sh"), { code: 7 });
  t.match(await exec(["-it"], "some text\n", "cat"), { code: 0, out: /some text\r\n/ }, "its end is the end of input");
  const many = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join("");
  const echoed = await exec(["-it"], many, "sh", "-c", "stty -echo; cat");
  t.equal(echoed.code, 0);
  t.match(echoed.out, /line 19999\r\n$/, "neither waits for the other for ever");
});
