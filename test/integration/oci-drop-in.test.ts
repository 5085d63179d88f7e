// An ordinary bundle does not notice whether runc was called or peapod-oci: every command and flag of runc, side by side.

import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import t from "tap";
import { CANNOT_COMPARE, Caller, type Config, PEAPOD_OCI, RUNC, testBoth } from "../support/oci-script.ts";
import { aTempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";

const COMMANDS =
  "checkpoint create delete events exec features kill list pause ps restore resume run spec start state update".split(
    " ",
  );

/** Ends with 0 when it is asked to, and at once. Two processes, whenever one looks. */
const OBEDIENT = "trap 'echo asked to end; exit 0' TERM; sleep 1000 & echo up; while :; do wait; done";

/** script(1) takes a command as one text. */
const IN_TERMINAL = [
  "sh",
  "-c",
  'line=; for word; do line="$line \'$word\'"; done; exec script -qec "$line" /dev/null',
  "sh",
];

/** Listens, takes the descriptor that comes, tells all that it says and types a line when it asks something. */
const RECEIVER = `
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(int argc, char **argv) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  strncpy(at.sun_path, argv[argc - 1], sizeof at.sun_path - 1);
  unlink(at.sun_path);
  int door = socket(AF_UNIX, SOCK_STREAM, 0), fd = -1;
  if (bind(door, (struct sockaddr *)&at, sizeof at) || listen(door, 1)) return 1;
  puts("listening"), fflush(stdout);
  char name[64] = "", space[CMSG_SPACE(sizeof fd)], text[4096];
  struct iovec io = {name, sizeof name - 1};
  struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  if (recvmsg(accept(door, NULL, NULL), &message, 0) < 0 || !CMSG_FIRSTHDR(&message)) return 2;
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  printf("%s, %s terminal\\n", name, isatty(fd) ? "a" : "no"), fflush(stdout);
  for (ssize_t n; (n = read(fd, text, sizeof text)) > 0;)
    if (write(1, text, n) != n || (memchr(text, '?', n) && write(fd, "typed\\n", 6) != 6)) return 3;
  return 0;
}
`;

interface Way {
  readonly words: readonly string[];
  /** Else in the directory above. */
  readonly inBundle: boolean;
}

/** All the ways in which runc lets one say which bundle; `name` is the bundle's and the container's. */
function waysToBundle(name: string, bundle: string): Way[] {
  const above: string[][] = [
    ["-b", bundle, name],
    ["--bundle", bundle, name],
    [`--bundle=${bundle}`, name],
    [`-b=${bundle}`, name],
    ["-bundle", bundle, name],
    [`-bundle=${bundle}`, name],
    ["--b", bundle, name],
    ["--bundle", name, name],
    ["--bundle", `./${name}/`, name],
    ["--bundle", "nowhere", "--bundle", name, name],
    [name, "--bundle", name],
    ["--pid-file", "pid", name, `-b=${name}`, "--no-pivot=false"],
    ["--bundle", name, "--", name],
    ["--preserve-fds", "0", "--no-new-keyring", "-b", name, name],
  ];
  const inside = [[name], ["--bundle=", name], ["--bundle", "", name], ["--bundle", ".", name], ["--", name]];
  return [...above.map((words) => ({ words, inBundle: false })), ...inside.map((words) => ({ words, inBundle: true }))];
}

/** All the ways in which runc lets one say where its containers are, in the directory above. */
function waysToRoot(root: string): string[][] {
  return [
    ["--root", root],
    [`--root=${root}`],
    ["-root", root],
    [`-root=${root}`],
    ["--root", basename(root)],
    ["--root", "./nowhere", "--root", root],
    ["--root", root, "--rootless", "auto"],
    ["--rootless=false", "--root", root],
    ["--root", root, "--criu", "/bin/criu"],
    ["--root", root, "--debug=false", "--systemd-cgroup=false"],
    ["--log", "/dev/null", "--log-format=json", "--root", root],
    ["--root", root, "--"],
  ];
}

async function withRunning(caller: Caller, id: string, use: (said: () => string) => Promise<void>): Promise<void> {
  const said = await caller.detached(["run", "-d", "-b", caller.aBundle(id, OBEDIENT), id]);
  await waitUntil(`${id} is up`, () => said().includes("up"));
  await use(said);
  await caller.runc("kill", id, "TERM");
  await caller.waitForState(id, "stopped");
  caller.note(`what ${id} said`, said());
  await caller.runc("delete", id);
}

testBoth("run in the foreground: output, exit code and bundle, however it is named", async (caller) => {
  const globals = ["--root", caller.root];
  const bundle = caller.aBundle("one", "echo to stdout; echo to stderr >&2; cat; exit 7");
  for (const { words, inBundle } of waysToBundle("one", bundle)) {
    const cwd = inBundle ? bundle : caller.dir;
    const heard = await caller.fails([...globals, "run", ...words], { cwd, input: "from stdin\n" });
    if (heard.code !== 7) throw new Error(`${words.join(" ")}: ended with ${heard.code}: ${heard.err}`);
  }
  for (const words of [
    ["--no-new-keyring", "--no-pivot=false", "--no-subreaper"],
    ["--keep=false"],
    ["-d=false"],
    ["-d=0"],
  ]) {
    await caller.fails([...globals, "run", ...words, "-b", "one", "one"], { input: "from stdin\n" });
  }
  const killed = caller.start([...globals, "run", "-b", caller.aBundle("killed", OBEDIENT), "killed"]);
  await waitUntil("it is up", () => killed.said.out.includes("up"));
  await caller.runc("kill", "killed", "KILL");
  await caller.finish(killed);
  await caller.fails([...globals, "run", "--keep", "-b", "one", "kept"]);
  await caller.runc("state", "kept");
  await caller.runc("delete", "kept");
  caller.note("containers that are left", (await caller.runc("list", "-q")).out);
});

testBoth("create, start, kill and delete: each state, each refusal, each pid file", async (caller) => {
  const bundle = caller.aBundle("one", OBEDIENT);
  const pidFile = join(caller.dir, "one.pid");
  const said = await caller.detached(["create", "--bundle", bundle, "--pid-file", pidFile, "one"]);
  await caller.notePidFile(pidFile, "one");
  await caller.runc("state", "one");
  await caller.refused("create", "--bundle", bundle, "one");
  await caller.refused("run", "--bundle", bundle, "one");
  await caller.runc("start", "one");
  await waitUntil("it is up", () => said().includes("up"));
  await caller.runc("state", "one");
  await caller.refused("start", "one");
  await caller.refused("delete", "one");
  await caller.refused("kill", "one", "NOSIGNAL");
  await caller.refused("kill", "one", "99999");
  for (const signal of ["0", "CONT", "sigcont", "18"])
    await caller.call(["--root", caller.root, "kill", "one", signal]);
  await caller.runc("kill", "one");
  await caller.waitForState("one", "stopped");
  await caller.runc("state", "one");
  await caller.refused("kill", "one", "TERM");
  await caller.call(["--root", caller.root, "kill", "--all", "one", "KILL"]);
  await caller.refused("start", "one");
  await caller.refused("exec", "one", "/bin/true");
  await caller.refused("pause", "one");
  await caller.runc("delete", "one");
  await caller.refused("delete", "one");
  await caller.runc("delete", "--force", "one");
  caller.note("what it said", said());
  caller.noteFile(join(caller.root, "one", "state.json"));
});

testBoth("kill by name, by number, all; delete by force, also of a container that never started", async (caller) => {
  for (const [index, words] of [["KILL"], ["SIGKILL"], ["kill"], ["9"]].entries()) {
    const id = `killed${index}`;
    await caller.detached(["run", "--detach", "-b", caller.aBundle(id, "exec sleep 100"), id]);
    await caller.runc("kill", id, ...words);
    await caller.waitForState(id, "stopped");
    await caller.runc("delete", id);
  }
  for (const flag of ["--all", "-a"]) {
    const id = `all${flag}`;
    await caller.detached(["run", "-d", "-b", caller.aBundle(id, "sleep 100 & sleep 100 & wait"), id]);
    await caller.runc("kill", flag, id, "KILL");
    await caller.waitForState(id, "stopped");
    await caller.runc("delete", id);
  }
  await caller.detached(["run", "-d", "-b", caller.aBundle("forced", "exec sleep 100"), "forced"]);
  await caller.runc("delete", "-f", "forced");
  await caller.detached(["create", "-b", caller.aBundle("unborn", "exec sleep 100"), "unborn"]);
  await caller.runc("delete", "--force", "unborn");
  await caller.detached(["create", "-b", caller.aBundle("shot", "exec sleep 100"), "shot"]);
  await caller.runc("kill", "shot", "KILL");
  await caller.waitForState("shot", "stopped");
  await caller.runc("delete", "shot");
  caller.note("containers that are left", (await caller.runc("list", "-q")).out);
});

testBoth("list and ps, in every format", async (caller) => {
  await caller.runc("list");
  await caller.runc("list", "-q");
  await caller.runc("list", "--format", "json");
  await withRunning(caller, "one", async () => {
    await caller.detached(["create", "-b", caller.aBundle("two", "exec sleep 100"), "two"]);
    await caller.runc("list");
    for (const words of [
      ["-q"],
      ["--quiet"],
      ["-f", "json"],
      ["--format=json"],
      ["--format", "table"],
      ["-q", "-f", "json"],
    ]) {
      await caller.runc("list", ...words);
    }
    await caller.refused("list", "--format", "yaml");
    await caller.runc("ps", "two");
    for (const words of [["--format", "json"], ["-f", "json"], ["--format=table"]])
      await caller.runc("ps", ...words, "two");
    await caller.runc("ps", "two", "-o", "pid,comm");
    await caller.refused("ps", "--format", "yaml", "two");
    await caller.refused("ps", "two", "-o", "comm");
    await caller.refused("ps", "nobody");
    await caller.runc("delete", "--force", "two");
  });
});

testBoth("exec: words, process files, users, directories, environments, exit codes", async (caller) => {
  await withRunning(caller, "one", async () => {
    const exec = async (words: readonly string[], input = "") =>
      await caller.call(["--root", caller.root, "exec", ...words], { input });
    await exec(["one", "echo", "-n", "--flags", "-t", "of the command"]);
    await exec(["one", "cat"], "from stdin\n");
    await exec(["one", "sh", "-c", "echo to stderr >&2; exit 5"]);
    await exec(["one", "sh", "-c", "kill -9 $$"]);
    await exec(["--cwd", "/tmp", "--env", "A=1", "-e", "B=2 3", "one", "sh", "-c", "pwd; echo $A $B; env | sort"]);
    await exec(["--user", "65534:65534", "-g", "7", "--additional-gids", "8", "one", "id"]);
    await exec([
      "-u=65534",
      "--no-new-privs",
      "--cap",
      "CAP_CHOWN",
      "one",
      "grep",
      "-E",
      "Cap|NoNewPrivs",
      "/proc/self/status",
    ]);
    await exec(["--preserve-fds", "0", "--ignore-paused", "one", "true"]);
    await exec(["--cgroup", "memory:nowhere", "one", "true"]);
    for (const words of [
      [],
      ["one"],
      ["nobody", "true"],
      ["one", "/no/such/program"],
      ["one", "/etc"],
      ["--cwd", "/no", "one", "true"],
    ]) {
      const { code } = await exec(words);
      if (code === 0) throw new Error(`exec ${words.join(" ")}: is not refused`);
    }
    await exec(["--user", "nobody:x:y", "one", "true"]);
    await exec(["--nonsense", "one", "true"]);
    const file = join(caller.dir, "process.json");
    const process = {
      cwd: "/",
      args: ["sh", "-c", "echo of a file; exit 3"],
      env: ["PATH=/bin"],
      user: { uid: 1, gid: 1 },
    };
    writeFileSync(file, JSON.stringify(process));
    for (const flag of ["--process", "-p"]) await exec([flag, file, "one"]);
    await exec([`--process=${file}`, "one"]);
    await exec(["--process", join(caller.dir, "nowhere.json"), "one"]);
    writeFileSync(file, "{ spoilt");
    await exec(["--process", file, "one"]);
    writeFileSync(file, "{}");
    await exec(["--process", file, "one"]);
  });
});

testBoth("exec in the background: pid file, output to the caller's descriptors", async (caller) => {
  await withRunning(caller, "one", async () => {
    const pidFile = join(caller.dir, "exec.pid");
    const file = join(caller.dir, "process.json");
    writeFileSync(file, JSON.stringify({ cwd: "/", args: ["sh", "-c", "read go; echo went $go"], env: ["PATH=/bin"] }));
    for (const words of [["--detach"], ["-d"], ["-detach=true"]]) {
      const all = ["exec", "--process", file, ...words, "--pid-file", pidFile, "one"];
      const said = await caller.detached(all, { input: "far\n" });
      await waitUntil("it has spoken", () => said().includes("went"));
      caller.note("what it said", said());
      caller.note("its pid file", /^[1-9]\d*$/.test(readFileSync(pidFile, "utf8")));
    }
    const said = await caller.detached(["exec", "-d", "one", "sh", "-c", "echo detached"]);
    await waitUntil("it has spoken", () => said().includes("detached"));
    caller.note("what it said", said());
  });
});

testBoth("pause and resume, and what a paused container refuses", async (caller) => {
  await withRunning(caller, "one", async () => {
    await caller.runc("pause", "one");
    await caller.runc("state", "one");
    await caller.refused("pause", "one");
    await caller.refused("exec", "one", "true");
    await caller.refused("delete", "one");
    await caller.runc("ps", "--format", "json", "one");
    await caller.runc("resume", "one");
    await caller.refused("resume", "one");
    await caller.runc("exec", "one", "true");
    for (const verb of ["pause", "resume", "start", "state", "kill", "delete", "events", "ps", "update"]) {
      await caller.refused(verb, "nobody");
      await caller.refused(verb);
    }
  });
});

testBoth("update by flags, by a file and by standard input; events tell what is measured", async (caller) => {
  await withRunning(caller, "one", async () => {
    const limits = () => {
      for (const file of ["memory/MEMORY/memory.limit_in_bytes", "pids/MEMORY/pids.max", "cpu/MEMORY/cpu.shares"]) {
        caller.noteFile(`/sys/fs/cgroup/${file.replace("MEMORY", `${caller.cgroup}/one`)}`);
      }
      caller.note(
        "limits in the state",
        JSON.parse(readFileSync(join(caller.root, "one", "state.json"), "utf8")).config.cgroups,
      );
    };
    limits();
    await caller.runc("update", "--memory", "67108864", "--pids-limit", "77", "--cpu-share=512", "one");
    limits();
    const resources = JSON.stringify({ memory: { limit: 50331648 }, cpu: { shares: 300 }, pids: { limit: 55 } });
    for (const words of [["--resources", "-"], ["-r", "-"], ["--resources=-"], ["-r=-"]]) {
      await caller.must(["--root", caller.root, "update", ...words, "one"], { input: resources });
      limits();
    }
    const file = join(caller.dir, "resources.json");
    writeFileSync(file, resources.replace("55", "66"));
    await caller.runc("update", "--resources", file, "one");
    limits();
    await caller.fails(["--root", caller.root, "update", "-r", "-", "one"], { input: "{ spoilt" });
    await caller.refused("update", "-r", "/proc/nowhere.json", "one");
    await caller.refused("update", "--memory", "much", "one");
    await caller.runc("events", "--stats", "one");
    await caller.refused("events", "--interval", "0s", "one");
    const events = caller.start(["--root", caller.root, "events", "--interval=50ms", "one"]);
    await waitUntil("events come", () => events.said.out.includes("\n"));
    const first = events.said.out.split("\n")[0]!;
    // How many more come is a matter of time.
    events.child.stdout?.removeAllListeners("data");
    events.said.out = first;
    events.child.stdout?.resume();
    events.child.kill("SIGTERM");
    await caller.finish(events);
  });
});

testBoth("checkpoint and restore are refused alike where there is no CRIU", async (caller) => {
  await withRunning(caller, "one", async () => {
    const images = join(caller.dir, "images");
    const globals = ["--criu", "/proc/nowhere/criu", "--root", caller.root];
    const flags = [
      "--image-path",
      images,
      "--work-path",
      images,
      "--tcp-established",
      "--ext-unix-sk",
      "--shell-job",
      "--file-locks",
    ];
    for (const words of [
      [],
      ["--leave-running"],
      ["--pre-dump"],
      ["--manage-cgroups-mode", "soft"],
      ["--empty-ns", "network"],
    ]) {
      await caller.fails([...globals, "checkpoint", ...flags, ...words, "one"]);
    }
    await caller.fails([...globals, "checkpoint", "nobody"]);
    await caller.fails([...globals, "checkpoint"]);
    const restore = [
      "restore",
      ...flags,
      "--detach",
      "--pid-file",
      join(caller.dir, "pid"),
      "-no-subreaper",
      "-b",
      caller.aBundle("again", "true"),
    ];
    await caller.fails([...globals, ...restore, "again"]);
    await caller.fails([...globals, ...restore, "--no-pivot", "again"]);
    await caller.fails([...globals, ...restore, "one"]);
    await caller.fails([...globals, "restore", "--image-path", "/proc/nowhere", "-b", "/proc/nowhere", "again"]);
    await caller.fails([...globals, "restore", "--image-path", "/proc/nowhere", "-b", "again", "again"]);
    // podman asks like this whether a runtime can do it.
    await caller.fails([...globals, "restore", "--lsm-mount-context"]);
    await caller.runc("state", "one");
  });
});

testBoth("spec, features, versions and help are runc's own", async (caller) => {
  for (const words of [[], ["--rootless"], ["--bundle", "named"], ["-b=short"], ["--bundle", "nowhere"]]) {
    for (const name of ["here", "named", "short"]) mkdirSync(join(caller.dir, name), { recursive: true });
    await caller.call(["spec", ...words], { cwd: join(caller.dir, "here") });
    await caller.call(["spec", ...words], { cwd: caller.dir });
  }
  for (const name of ["here/config.json", "config.json", "named/config.json", "short/config.json"]) {
    caller.noteFile(join(caller.dir, name));
  }
  for (const word of ["features", "--version", "-v", "-version", "--help", "-h", "help", "h"])
    await caller.must([word]);
  await caller.must([]);
  const globals = ["--root", caller.root];
  for (const command of COMMANDS) {
    await caller.call([...globals, "help", command]);
    await caller.call([...globals, command, "--help"]);
    await caller.call([...globals, command, "-h"]);
    await caller.call([...globals, command, "--nonsense"]);
    await caller.call([...globals, command, "help"]);
    await caller.call([...globals, command]);
  }
});

testBoth("words that nobody understands are refused in runc's own words", async (caller) => {
  const lines: readonly (readonly string[])[] = [
    ["frobnicate"],
    ["help", "frobnicate"],
    ["--frobnicate"],
    ["--frobnicate", "list"],
    ["-x", "list"],
    ["--root"],
    ["--root", caller.root],
    ["--log-format", "xml", "list"],
    ["--log-format"],
    ["--rootless", "perhaps", "--root", caller.root, "list"],
    ["--debug=perhaps", "list"],
    ["--", "frobnicate"],
    ["-", "list"],
    ["", "list"],
    [""],
    ["---root", caller.root, "list"],
    ["--root", caller.root, "list", "too", "much"],
    ["--root", caller.root, "state", "one", "two"],
    ["--root", caller.root, "create", "one", "two"],
    ["--root", caller.root, "create", "--bundle"],
    ["--root", caller.root, "create", "--pid-file", "-b"],
    ["--root", caller.root, "kill", "one", "TERM", "more"],
    ["--root", caller.root, "init"],
    ["init"],
    ["--root", "/dev/null", "list"],
    ["--root", "/dev/null/x", "state", "one"],
    ["LIST"],
    ["--generate-bash-completion"],
    ["create", "--generate-bash-completion"],
  ];
  for (const words of lines) await caller.call(words);
});

testBoth("ids that may not be, and ids that nobody has", async (caller) => {
  const bundle = caller.aBundle("one", "true");
  mkdirSync(join(caller.dir, "root", "empty"), { recursive: true });
  const ids = [
    "",
    ".",
    "..",
    "../one",
    "a/b",
    "/one",
    "-one",
    "a b",
    "ä",
    "a\nb",
    "nobody",
    "empty",
    "x".repeat(300),
    "a;b",
    "root@1",
    "+",
  ];
  for (const id of ids) {
    for (const verb of ["state", "start", "kill", "delete", "pause", "events", "ps"]) {
      await caller.call(["--root", caller.root, verb, id]);
    }
    await caller.call(["--root", caller.root, "delete", "--force", id]);
    await caller.call(["--root", caller.root, "exec", id, "true"]);
    if (id !== "root@1" && id !== "+" && id !== "nobody")
      await caller.call(["--root", caller.root, "run", "-b", bundle, id]);
  }
});

testBoth("bundles that are broken are refused in runc's own words, and on both kinds of log", async (caller) => {
  const spoil: [string, (config: Config) => void][] = [
    ["no-process", (config) => delete config.process],
    ["no-args", (config) => delete config.process.args],
    ["no-root", (config) => delete config.root],
    ["null-root", (config) => (config.root = null)],
    ["text-root", (config) => (config.root = "rootfs")],
    ["empty-path", (config) => (config.root.path = "")],
    ["number-path", (config) => (config.root.path = 7)],
    ["missing-rootfs", (config) => (config.root.path = "nowhere")],
    ["rootfs-is-a-file", (config) => (config.root.path = "config.json")],
    ["object-mounts", (config) => (config.mounts = { destination: "/proc" })],
    ["text-mount", (config) => (config.mounts = ["proc"])],
    ["number-destination", (config) => (config.mounts[0].destination = 1)],
    ["null-mounts", (config) => (config.mounts = null)],
    ["text-annotations", (config) => (config.annotations = "text")],
    ["number-annotation", (config) => (config.annotations = { "peapod/manifest": 7 })],
    ["text-env", (config) => (config.process.env = "PEAPOD_MANIFEST=none")],
    ["number-env", (config) => (config.process.env = [7])],
    ["no-such-program", (config) => (config.process.args = ["/no/such/program"])],
    ["no-linux", (config) => delete config.linux],
    [
      "bad-mount",
      (config) => config.mounts.push({ destination: "/x", source: "/proc/nowhere", type: "bind", options: ["bind"] }),
    ],
    ["bad-version", (config) => (config.ociVersion = "one")],
    ["no-version", (config) => delete config.ociVersion],
    ["bad-namespace", (config) => config.linux.namespaces.push({ type: "net", path: "/proc/nowhere" })],
    ["bad-hook", (config) => (config.hooks = { prestart: [{ path: "/proc/nowhere" }] })],
  ];
  const run = async (name: string) => {
    for (const format of ["text", "json"]) {
      const log = join(caller.dir, `${name}.${format}`);
      const globals = ["--log", log, "--log-format", format, "--root", caller.root];
      await caller.call([...globals, "run", "--bundle", join(caller.dir, name), name]);
      caller.noteFile(log);
    }
    await caller.attempt(["create", "--bundle", join(caller.dir, name), name]);
    await caller.runc("delete", "--force", name);
  };
  for (const [name, change] of spoil) {
    caller.aBundle(name, "true", change);
    await run(name);
  }
  const texts: Record<string, string> = {
    "empty-file": "",
    "half-json": '{"root": {"path": "root',
    "not-json": "root: rootfs",
    array: "[]",
    null: "null",
    text: '"rootfs"',
    deep: `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
    "deep-object": `${'{"root":'.repeat(20_000)}7${"}".repeat(20_000)}`,
    "after-the-end": '{"ociVersion": "1.0.2", "root": {"path": "rootfs"}} and more',
    "not-utf8": '{"root": {"path": "\u0000"}}',
    "byte-order-mark": '\ufeff{"root": {"path": "rootfs"}}',
    "lone-escape": '{"root": {"path": "\\ud800"}, "process": {"args": ["\\',
  };
  for (const [name, text] of Object.entries(texts)) {
    writeFileSync(join(caller.aBundle(name, "true"), "config.json"), text);
    await run(name);
  }
  mkdirSync(join(caller.dir, "no-config"));
  await run("no-config");
  mkdirSync(join(caller.dir, "config-is-a-directory", "config.json"), { recursive: true });
  await run("config-is-a-directory");
  mkdirSync(join(caller.dir, "dangling"));
  symlinkSync("/proc/nowhere", join(caller.dir, "dangling", "config.json"));
  await run("dangling");
  await run("nowhere");
  writeFileSync(join(caller.dir, "bundle-is-a-file"), "");
  await run("bundle-is-a-file");
});

testBoth("odd but right bundles run", async (caller) => {
  const odd: [string, (config: Config, dir: string) => void][] = [
    ["absolute-root", (config, dir) => (config.root.path = join(dir, "absolute-root", "rootfs"))],
    ["dotted-root", (config) => (config.root.path = "./rootfs/../rootfs/.")],
    ["annotated", (config) => (config.annotations = { "peapod/manifest": "none", other: '\u{1f600}\n"' })],
    ["told-no", (config) => config.process.env.push("PEAPOD_MANIFEST=none")],
    ["much", (config) => (config.annotations = { long: "x".repeat(1_000_000), "pea\u0000pod": "" })],
    [
      "many-mounts",
      (config) => {
        for (let i = 0; i < 50; i += 1) config.mounts.push({ destination: `/m/${i}`, type: "tmpfs", source: "tmpfs" });
      },
    ],
    ["nested", (config) => (config.hooks = null)],
    ["unknown", (config) => (config.peapod = { root: { path: "/etc" }, mounts: [[[[{}]]]] })],
  ];
  for (const [name, change] of odd) {
    const bundle = caller.aBundle(name, "echo ran; ls /", (config) => change(config, caller.dir));
    await caller.runc("run", "-b", bundle, name);
    caller.noteFile(join(bundle, "config.json"));
  }
  // As written by hand: spaces, escapes in names, one name twice (the last is meant), bundles reached by links.
  const bundle = caller.aBundle("by-hand", "echo ran");
  const file = join(bundle, "config.json");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace('"root":', ' \t\r\n"root": {"path": "/proc/nowhere"},\n"\\u0072oot" :\n'));
  await caller.runc("run", "-b", bundle, "by-hand");
  symlinkSync("by-hand", join(caller.dir, "linked"));
  await caller.runc("run", "-b", join(caller.dir, "linked"), "linked");
  writeFileSync(join(caller.dir, "elsewhere.json"), text);
  const far = caller.aBundle("far", "true");
  execFileSync("ln", ["-sf", "../elsewhere.json", join(far, "config.json")]);
  await caller.runc("run", "-b", far, "far");
});

testBoth("a bundle that only looks like a pod is an ordinary one", async (caller) => {
  const manifest =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec: {containers: [{name: web, image: 'rootfs:/containers/web'}]}\n";
  const looks: Record<string, (bundle: string) => void> = {
    "empty-directory": (bundle) => mkdirSync(join(bundle, "rootfs/etc/peapod"), { recursive: true }),
    "pod-elsewhere": (bundle) => writeFileSync(join(bundle, "rootfs/etc/pod.yaml"), manifest),
    "pod-in-the-bundle": (bundle) => {
      mkdirSync(join(bundle, "etc/peapod"), { recursive: true });
      writeFileSync(join(bundle, "etc/peapod/pod.yaml"), manifest);
    },
    "only-containers": (bundle) => mkdirSync(join(bundle, "rootfs/containers/web"), { recursive: true }),
    "a-directory": (bundle) => mkdirSync(join(bundle, "rootfs/etc/peapod/pod.yaml"), { recursive: true }),
  };
  for (const [name, look] of Object.entries(looks)) {
    const bundle = caller.aBundle(name, "echo ordinary");
    look(bundle);
    await caller.runc("run", "-b", bundle, name);
  }
  const refusals: Record<string, (config: Config) => void> = {
    "env-none": (config) => config.process.env.push("PEAPOD_MANIFEST=none"),
    "annotation-none": (config) => (config.annotations = { "peapod/manifest": "none" }),
  };
  for (const [name, change] of Object.entries(refusals)) {
    const bundle = caller.aBundle(name, "echo ordinary; cat /etc/peapod/pod.yaml", change);
    mkdirSync(join(bundle, "rootfs/etc/peapod"));
    writeFileSync(join(bundle, "rootfs/etc/peapod/pod.yaml"), manifest);
    await caller.runc("run", "-b", bundle, name);
    caller.noteFile(join(bundle, "config.json"));
  }
});

testBoth("global flags, wherever and however they are written", async (caller) => {
  const bundle = caller.aBundle("one", "echo ran");
  const { root } = caller;
  const log = join(caller.dir, "log");
  const ways: readonly (readonly string[])[] = [
    ...waysToRoot(root),

    ["--root", root, "--log", log, "--log-format", "json"],
    [`--log=${log}`, "--log-format=text", "--root", root],
  ];
  for (const globals of ways) {
    await caller.must([...globals, "run", "-b", bundle, "one"]);
    await caller.fails([...globals, "state", "nobody"]);
    await caller.must([...globals, "list"]);
    caller.noteFile(log);
  }
  await caller.call(["--systemd-cgroup", "--root", root, "run", "-b", bundle, "one"]);
  await caller.call(["--rootless", "true", "--root", root, "run", "-b", bundle, "one"]);
  await caller.call(["--log", "/proc/nowhere/log", "--root", root, "list"]);
  await caller.call(["list", "--root", root]);
  await caller.call(["run", "--root", root, "-b", bundle, "one"]);
  await caller.must(["--debug", "--root", root, "run", "-b", bundle, "one"]);
  await caller.fails(["--debug", "--root", root, "state", "nobody"]);
  for (const format of ["text", "json"]) {
    const file = join(caller.dir, `debug.${format}`);
    await caller.must(["-debug", "--log", file, "--log-format", format, "--root", root, "run", "-b", bundle, "one"]);
    caller.noteFile(file, ["--debug"]);
  }
});

testBoth("without --root the containers are where runc has them", async (caller) => {
  const id = `pt-oci-${process.pid}-${caller.dir.slice(-1)}`;
  caller.rename(id, "ID");
  const bundle = caller.aBundle("one", "cat");
  const run = caller.start(["run", "-b", bundle, id], { holdInput: true });
  try {
    await caller.waitForState(id, "running", "/run/runc");
    await caller.must(["exec", id, "true"]);
    await caller.must(["state", id]);
    run.child.stdin?.end("the end\n");
    await caller.finish(run);
    await caller.fails(["state", id]);
  } finally {
    execFileSync(RUNC!, ["delete", "--force", id]);
  }
});

testBoth("descriptors beyond the third, and sockets that were listened on for it", async (caller) => {
  const script = "ls -l /proc/self/fd | wc -l; echo into three >&3; cat <&4; env | grep LISTEN | sort";
  const [three, four] = [join(caller.dir, "three"), join(caller.dir, "four")];
  writeFileSync(four, "out of four\n");
  const ways: [string[], NodeJS.ProcessEnv][] = [
    [["--preserve-fds", "2"], {}],
    [["--preserve-fds=2"], {}],
    [[], { LISTEN_FDS: "2" }],
    [["--preserve-fds", "1"], { LISTEN_FDS: "1" }],
    [["--preserve-fds", "2"], { LISTEN_FDS: "", LISTEN_PID: "1" }],
    [["--preserve-fds", "3"], {}],
    [["--preserve-fds", "many"], {}],
    [[], {}],
  ];
  const bundle = caller.aBundle("one", script);
  for (const [words, env] of ways) {
    writeFileSync(three, "");
    const fds = [openSync(three, "w"), openSync(four, "r")];
    await caller.call(["--root", caller.root, "run", ...words, "-b", bundle, "one"], { fds, env });
    caller.noteFile(three);
    fds.forEach(closeSync);
  }
  await withRunning(caller, "up", async () => {
    writeFileSync(three, "");
    const fds = [openSync(three, "w"), openSync(four, "r")];
    await caller.must(["--root", caller.root, "exec", "--preserve-fds", "2", "up", "sh", "-c", script], { fds });
    caller.noteFile(three);
    fds.forEach(closeSync);
  });
});

testBoth("a notify socket is served inside, and runc's own variables are refused alike", async (caller) => {
  const bundle = caller.aBundle(
    "one",
    "env | sort; ls -ld $NOTIFY_SOCKET | cut -c1; test -S $NOTIFY_SOCKET && echo a socket",
  );
  const path = join(caller.dir, "notify.sock");
  const server = createServer().listen(path);
  await caller.call(["--root", caller.root, "run", "-b", bundle, "one"], { env: { NOTIFY_SOCKET: path } });
  server.close();
  const env = { _LIBCONTAINER_INITPIPE: "99", _LIBCONTAINER_STATEDIR: "/proc/nowhere", _LIBCONTAINER_LOGPIPE: "98" };
  await caller.call(["--root", caller.root, "run", "-b", bundle, "one"], { env });
  await caller.call(["init"], { env: { _LIBCONTAINER_INITPIPE: "text" } });
});

testBoth("signals to a run in the foreground reach the container", async (caller) => {
  const bundle = caller.aBundle(
    "one",
    "trap 'echo got TERM; exit 3' TERM; trap 'echo got HUP' HUP; echo up; while :; do sleep 0.05; done",
  );
  const run = caller.start(["--root", caller.root, "run", "-b", bundle, "one"]);
  await waitUntil("it is up", () => run.said.out.includes("up"));
  run.child.kill("SIGHUP");
  await waitUntil("it has heard", () => run.said.out.includes("got HUP"));
  run.child.kill("SIGTERM");
  await caller.finish(run);
  // The caller dies, and with it, as the caller wished, runc: which hands the signal on.
  const shell = ["sh", "-c", '"$@" & wait', "sh", "setpriv", "--pdeathsig", "TERM"];
  const orphan = caller.start(["--root", caller.root, "run", "-b", bundle, "orphan"], { through: shell });
  await waitUntil("it is up", () => orphan.said.out.includes("up"));
  orphan.child.kill("SIGKILL");
  await caller.finish(orphan);
});

testBoth("hooks are run by runc, with the state that it tells", async (caller) => {
  const kinds = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];
  const bundle = caller.aBundle("one", "echo ran", (config) => {
    config.hooks = Object.fromEntries(
      kinds.map((kind) => [
        kind,
        [
          {
            path: "/bin/sh",
            args: ["sh", "-c", `cat >${caller.dir}/${kind}; env >>${caller.dir}/${kind}`],
            env: ["A=1"],
          },
        ],
      ]),
    );
  });
  await caller.runc("run", "-b", bundle, "one");
  for (const kind of kinds) caller.noteFile(join(caller.dir, kind));
});

testBoth("a terminal comes over the console socket, and the caller's own is used in the foreground", async (caller) => {
  const receive = buildReceiver(caller.dir);
  const script = "tty; echo to stderr >&2; printf what?; read line; echo read $line";
  const bundle = caller.aBundle("one", script, (config) => {
    config.process.terminal = true;
    config.process.consoleSize = { height: 33, width: 99 };
  });
  await caller.refused("create", "-b", bundle, "one");
  await caller.refused("run", "-b", bundle, "-d", "one");
  await caller.refused("create", "--console-socket", "/proc/nowhere", "-b", bundle, "one");
  const plain = caller.aBundle("plain", "true");
  await caller.refused("create", "--console-socket", "/proc/nowhere", "-b", plain, "plain");
  const socket = join(caller.dir, "tty.sock");
  for (const words of [["create"], ["run", "-d"]]) {
    const { heard } = await receive(socket);
    await caller.detached([...words, "--console-socket", socket, "-b", bundle, "one"]);
    if (words[0] === "create") await caller.runc("start", "one");
    caller.note("through the terminal", await heard);
    await caller.waitForState("one", "stopped");
    await caller.runc("delete", "one");
  }
  await withRunning(caller, "up", async () => {
    const { heard } = await receive(socket);
    await caller.detached(["exec", "-t", "-d", "--console-socket", socket, "up", "sh", "-c", script]);
    caller.note("through the terminal", await heard);
    await caller.refused("exec", "-t", "-d", "up", "true");
    const words = ["--root", caller.root, "exec", "-t", "up", "sh", "-c", "tty; exit 4"];
    await caller.call(words, { through: IN_TERMINAL, holdInput: true });
  });
  const words = ["--root", caller.root, "run", "-b", bundle, "one"];
  const run = caller.start(words, { through: IN_TERMINAL, holdInput: true });
  await waitUntil("it asks", () => run.said.out.includes("what?"));
  run.child.stdin?.write("typed\n");
  await caller.finish(run);
});

testBoth("the runtime gets the caller's words, environment, descriptors, directory, limits and pid", async (caller) => {
  const witness = makeWitness(join(caller.dir, "bin", "runc"));
  const lines = [
    [],
    ["state", "one"],
    ["--root", caller.root, "create", "-b", "nowhere", "one"],
    ["", "a b", "*", "-x\n"],
  ];
  const env = {
    _LIBCONTAINER_INITPIPE: "3",
    NOTIFY_SOCKET: "/x",
    LISTEN_FDS: "1",
    PEAPOD_ROOT: "/y",
    EMPTY: "",
    TWO: "a\nb",
  };
  const file = openSync("/dev/null", "r");
  for (const words of lines) {
    await caller.fails(words, { env, standIn: witness, input: "input\n", fds: [file, file], cwd: "/tmp" });
    await caller.fails(words, { env, standInOnPath: witness });
  }
  const through = [
    "sh",
    "-c",
    "umask 027; ulimit -c 1; ulimit -n 99; trap '' HUP USR1; exec \"$@\"",
    "sh",
    "setsid",
    "nice",
  ];
  await caller.fails(["state", "one"], { standIn: witness, through: [...through, "setpriv", "--no-new-privs"] });
  closeSync(file);
});

t.test("a pod's bundle is found however runc lets one name it", { skip: CANNOT_COMPARE }, async (t) => {
  const dir = aTempDir(t);
  const caller = new Caller(PEAPOD_OCI, join(dir, "caller"), "/nowhere");
  const bundle = caller.aBundle("pod", "true");
  mkdirSync(join(bundle, "rootfs/etc/peapod"));
  writeFileSync(join(bundle, "rootfs/etc/peapod/pod.yaml"), "");
  const config = readFileSync(join(bundle, "config.json"), "utf8");
  // In place of runc: it tells which program the container would run, and refuses.
  const fake = join(dir, "runc");
  writeFileSync(fake, `#!/bin/sh\necho "words: $*"\ngrep -o '"/.peapod/sandbox"\\]' ${bundle}/config.json; exit 9\n`, {
    mode: 0o755,
  });
  const env = { PEAPOD_ROOT: join(dir, "peapod"), PEAPOD_OCI_RUNTIME: fake };
  const ways = waysToBundle("pod", bundle).map(({ words, inBundle }) => ({ words: ["create", ...words], inBundle }));
  const run = [
    ["-d"],
    ["-d=true"],
    ["--detach=true"],
    ["--detach", "--keep"],
    ["--keep=true"],
    ["--no-subreaper=true"],
  ];
  ways.push(...run.map((words) => ({ words: ["run", ...words, "-b", bundle, "pod"], inBundle: false })));
  ways.push(
    ...waysToRoot(caller.root).map((words) => ({ words: [...words, "create", "-b", bundle, "pod"], inBundle: false })),
  );
  for (const { words, inBundle } of ways) {
    const { out, err } = await caller.start(words, { env, cwd: inBundle ? bundle : caller.dir }).ended;
    t.match(out, /sandbox/, words.join(" "), { err });
    t.notMatch(out, / --?(d|detach|keep|no-subreaper)\b/, "runc create knows no flags of run");
    t.equal(readFileSync(join(bundle, "config.json"), "utf8"), config, "the caller has his bundle back");
  }
  t.notOk(existsSync(env.PEAPOD_ROOT), "nothing is left behind");
});

t.test("it does not take itself for the runtime that it is to call", { skip: CANNOT_COMPARE }, async (t) => {
  const dir = aTempDir(t);
  const caller = new Caller(PEAPOD_OCI, join(dir, "caller"), "/nowhere");
  symlinkSync(PEAPOD_OCI, join(dir, "runc"));
  const { out, err } = await caller.start(["--version"], { standInOnPath: join(dir, "runc") }).ended;
  t.match(out, /^runc version/, "it finds the next one on the PATH", { err });
  const own = await caller.start(["--version"], { standIn: PEAPOD_OCI }).ended;
  t.match(own.err, /peapod-oci/, "it says so where there is none");
  t.not(own.code, 0);
  const none = await caller.start(["--version"], { env: { PATH: dir } }).ended;
  t.match(none.err, /runc/);
  t.not(none.code, 0);
});

testBoth("a pod of one member is to its caller what a container is", async (caller) => {
  // Told by runc with an ordinary container, and by us with a pod whose only member runs the same script.
  const bundle = (name: string, script: string): string =>
    caller.runtime === RUNC ? caller.aBundle(name, script) : caller.aPod(name, script);
  const call = async (...words: string[]) => await caller.call(["--root", caller.root, ...words]);
  const pidFile = join(caller.dir, "one.pid");
  const said = await caller.detached(["create", "--bundle", bundle("one", OBEDIENT), "--pid-file", pidFile, "one"]);
  await caller.notePidFile(pidFile, "one");
  await call("state", "one");
  await call("list");
  await call("create", "--bundle", join(caller.dir, "one"), "one");
  await call("exec", "one", "true");
  await call("start", "one");
  await waitUntil("it is up", () => said().includes("up"));
  await call("state", "one");
  await call("start", "one");
  await call("delete", "one");
  for (const signal of ["0", "NOSIGNAL", "99999"]) await call("kill", "one", signal);
  await call("exec", "one", "sh", "-c", "echo out; echo err >&2; exit 5");
  await call("exec", "--cwd", "/tmp", "--env", "A=1", "--user", "7:8", "one", "sh", "-c", "pwd; echo $A; id");
  await call("exec", "one", "/no/such/program");
  const exec = await caller.detached([
    "exec",
    "-d",
    "--pid-file",
    join(caller.dir, "exec.pid"),
    "one",
    "echo",
    "detached",
  ]);
  await waitUntil("it has spoken", () => exec().includes("detached"));
  await call("pause", "one");
  await call("state", "one");
  await call("pause", "one");
  await call("exec", "one", "true");
  await call("resume", "one");
  await call("resume", "one");
  await call("update", "--memory", "67108864", "one");
  await call("events", "--stats", "one");
  await call("kill", "one", "TERM");
  await caller.waitForState("one", "stopped");
  caller.note("what it said", said());
  await call("state", "one");
  for (const words of [
    ["kill", "one", "TERM"],
    ["start", "one"],
    ["exec", "one", "true"],
    ["pause", "one"],
  ]) {
    await call(...words);
  }
  await call("kill", "--all", "one", "KILL");
  await call("list");
  await call("delete", "one");
  for (const words of [["state"], ["delete"], ["kill"], ["start"], ["delete", "--force"]]) await call(...words, "one");

  const run = async (name: string, script: string, words: string[] = []): Promise<void> => {
    await caller.call(["--root", caller.root, "run", ...words, "-b", bundle(name, script), name], { input: "typed\n" });
  };
  await run("exits", "echo out; echo err >&2; exit 7");
  await run("reads", "cat");
  await run("looks", "pwd; env | busybox grep -v ^HOSTNAME= | sort; id; hostname; umask; cat /proc/self/limits");
  await run("named", '[ -z "$HOSTNAME" ] || [ "$HOSTNAME" = "$(hostname)" ] && echo one name');
  await run("bound", "busybox grep -E 'Cap|NoNew|Seccomp' /proc/self/status");
  // Files that every member has, also where the caller mounts none.
  await run("mounts", "busybox grep -v ' /etc/' /proc/mounts | busybox cut -d' ' -f2,3,4");
  await run("namespaces", "ls /proc/self/ns; echo $$; ls /; ls /dev");
  await run("kept", "exit 3", ["--keep"]);
  await call("state", "kept");
  await call("delete", "kept");
  await caller.detached(["run", "-d", "-b", bundle("forced", "exec sleep 100"), "forced"]);
  await call("delete", "--force", "forced");
  await caller.detached(["create", "-b", bundle("unborn", "exec sleep 100"), "unborn"]);
  await call("kill", "unborn", "KILL");
  await caller.waitForState("unborn", "stopped");
  await call("delete", "unborn");
  await call("list", "-q");
});

const V1_MEMORY = "/sys/fs/cgroup/memory";
const withoutV1 = existsSync(V1_MEMORY) ? false : "needs cgroup v1, where a path may be relative to the caller's own";

t.test(
  "a pod's members lie below its caller's container in every hierarchy",
  { skip: CANNOT_COMPARE || withoutV1 },
  async (t) => {
    const dir = aTempDir(t);
    const top = `peapod-oci-test-${process.pid}-cgroups`;
    const above = join(V1_MEMORY, top);
    // runc takes a path without a slash, and none, relative to the cgroup of whoever calls it.
    mkdirSync(above);
    const tops = readdirSync("/sys/fs/cgroup").map((hierarchy) => join("/sys/fs/cgroup", hierarchy, top));
    t.teardown(() => tops.filter((path) => existsSync(path)).forEach((path) => void rmdirSync(path)));
    const through = ["sh", "-c", `echo $$ >${above}/cgroup.procs && exec "$@"`, "sh"];
    const caller = new Caller(PEAPOD_OCI, join(dir, "caller"), `/${top}`);
    t.teardown(() => caller.end());
    for (const [name, path] of Object.entries({
      absolute: `/${top}/absolute`,
      relative: `${top}-relative`,
      none: undefined,
    })) {
      const id = `pt-${process.pid}-${name}`;
      const bundle = caller.aPod(id, "exec sleep 1000", (config) => {
        config.linux.cgroupsPath = path;
      });
      await caller.detached(["run", "-d", "-b", bundle, id], { through });
      const sandbox = caller.pidOf(id);
      const members = pidsInNetworkOf(sandbox).filter((pid) => pid !== sandbox);
      t.not(members.length, 0, "its member is there");
      for (const [hierarchy, cgroup] of cgroupsOf(sandbox)) {
        const astray = members.filter((pid) => !cgroupsOf(pid).get(hierarchy)?.startsWith(`${cgroup}/`));
        t.strictSame(astray, [], `path ${path}: hierarchy ${hierarchy}`);
      }
      const member = [...cgroupsOf(members[0]!)].flatMap(([hierarchy, cgroup]) => placesOf(hierarchy, cgroup));
      const own = [...cgroupsOf(sandbox)].flatMap(([hierarchy, cgroup]) => placesOf(hierarchy, cgroup).slice(0, 1));
      await caller.call(["--root", caller.root, "delete", "--force", id], { through });
      const left = [...member, ...own].filter((place) => existsSync(place));
      t.strictSame(left, [], "nothing is left behind");
      left.forEach((place) => void rmdirSync(place));
    }
  },
);

/** A cgroup's directory, and the one above. */
function placesOf(hierarchy: string, cgroup: string): string[] {
  const place = join("/sys/fs/cgroup", hierarchy.replace("name=", "") || "unified", cgroup);
  return [place, dirname(place)];
}

/** By hierarchy, cgroups(7). */
function cgroupsOf(pid: number): Map<string, string> {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  return new Map(lines.map((line) => line.split(":").slice(1) as [string, string]));
}

function pidsInNetworkOf(pid: number): number[] {
  const network = (one: number | string): string | undefined => {
    try {
      return readlinkSync(`/proc/${one}/ns/net`);
    } catch {
      return undefined;
    }
  };
  const names = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return names.filter((name) => network(name) === network(pid)).map(Number);
}

/** A program in place of runc that tells what reached it. It is a script, so that the kernel shows all of it in /proc. */
function makeWitness(path: string): string {
  mkdirSync(dirname(path));
  writeFileSync(
    path,
    `#!/bin/sh
for word; do echo "word <$word>"; done
echo "$(cut -d' ' -f4,5,6,7,18,19 /proc/$$/stat)" | tr ' ' '\\n' | sed "s/^$$\\$/itself/; s/^$PPID\\$/its parent/"
tr '\\0' '\\n' </proc/$$/environ | sed 's/^/environment /'
for fd in 0 1 2 3 4 5 6 7 8 9; do
  [ -e /proc/$$/fd/$fd ] && echo "descriptor $fd $(readlink /proc/$$/fd/$fd | tr -d 0-9) $(grep flags /proc/$$/fdinfo/$fd)"
done
echo "directory $(readlink /proc/$$/cwd)"
# A shell that forks blocks all signals for an instant, which would show.
while read -r line; do
  case "$line" in SigQ*) ;; Sig* | Cap* | NoNew* | Groups* | Uid* | Umask* | Seccomp:*) echo "$line" ;; esac
done </proc/$$/status
cat /proc/$$/limits /proc/$$/oom_score_adj
echo "input: $(cat)"
echo "an error" >&2
exit 42
`,
  );
  chmodSync(path, 0o755);
  return path;
}

/** @returns a function that is ready when it has returned, and whose `heard` comes when the terminal is closed */
function buildReceiver(dir: string): (socket: string) => Promise<{ heard: Promise<string> }> {
  const program = join(dir, "receiver");
  const compiler = existsSync("/usr/bin/musl-gcc") ? "musl-gcc" : "cc";
  execFileSync(compiler, ["-x", "c", "-o", program, "-"], { input: RECEIVER });
  return async (socket) => {
    const child = spawn(program, [socket], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    const heard = new Promise<string>((resolve) => child.once("close", (code) => resolve(`${text}ended with ${code}`)));
    await waitUntil("the receiver listens", () => text.includes("listening"));
    return { heard };
  };
}
