import t from "tap";
import {
  makeCheckpointArgs,
  makeCreateArgs,
  makeDeleteArgs,
  makeExecArgs,
  makeGlobalArgs,
  makeKillArgs,
  makeRestoreArgs,
  makeStartArgs,
  makeStateArgs,
} from "../../../src/runtime/argv.ts";

const FLAGS = { root: "/p/runc", log: "/p/calls/1.log", systemdCgroup: false };

t.test("both runtimes are told their root and where to log as JSON", async (t) => {
  t.strictSame(makeGlobalArgs("runc", FLAGS), ["--root", "/p/runc", "--log", "/p/calls/1.log", "--log-format", "json"]);
  t.strictSame(makeGlobalArgs("crun", FLAGS).slice(2, 4), ["--log", "file:/p/calls/1.log"]);
});

t.test("the systemd driver is a flag of every call", async (t) => {
  t.equal(makeGlobalArgs("runc", { ...FLAGS, systemdCgroup: true }).at(-1), "--systemd-cgroup");
});

t.test("each verb has its command line", async (t) => {
  t.strictSame(makeCreateArgs("web", "/p/b", "/p/b/pid"), [
    "create",
    "--bundle",
    "/p/b",
    "--pid-file",
    "/p/b/pid",
    "web",
  ]);
  t.strictSame(makeStartArgs("web"), ["start", "web"]);
  t.strictSame(makeKillArgs("web", "TERM"), ["kill", "web", "TERM"]);
  t.strictSame(makeKillArgs("web", "TERM", true), ["kill", "--all", "web", "TERM"]);
  t.strictSame(makeDeleteArgs("web", false), ["delete", "web"]);
  t.strictSame(makeDeleteArgs("web", true), ["delete", "--force", "web"]);
  t.strictSame(makeStateArgs("web"), ["state", "web"]);
});

t.test("an exec's own words come after the container's name, so that none is taken for a flag", async (t) => {
  t.strictSame(makeExecArgs({ id: "web", args: ["ls", "--tty"] }), ["exec", "web", "ls", "--tty"]);
  t.strictSame(makeExecArgs({ id: "web", args: ["sh"], tty: true, env: ["A=1", "B=x y"], cwd: "/srv", user: "5:6" }), [
    ...["exec", "--tty", "--env", "A=1", "--env", "B=x y", "--cwd", "/srv", "--user", "5:6"],
    ...["web", "sh"],
  ]);
});

t.test("a checkpoint lets the container run on, and a restore says what the checkpoint said", async (t) => {
  const flags = { images: "/c/images/web", work: "/c/work/web" };
  const paths = ["--image-path", "/c/images/web", "--work-path", "/c/work/web"];
  t.strictSame(makeCheckpointArgs("web", flags), ["checkpoint", "--leave-running", ...paths, "web"]);
  const more = { ...flags, tcpEstablished: true, fileLocks: true };
  t.strictSame(makeRestoreArgs("web", "/p/b", "/p/b/pid", more), [
    ...["restore", "--detach", "--bundle", "/p/b", "--pid-file", "/p/b/pid"],
    ...[...paths, "--tcp-established", "--file-locks", "web"],
  ]);
  t.end();
});

t.test("in a user namespace runc is told so, and crun only where there is no cgroup", async (t) => {
  t.strictSame(makeGlobalArgs("runc", { ...FLAGS, userCgroups: "none" }).slice(-2), ["--rootless", "true"]);
  t.strictSame(makeGlobalArgs("runc", { ...FLAGS, userCgroups: "some" }).slice(-2), ["--rootless", "true"]);
  t.strictSame(makeGlobalArgs("crun", { ...FLAGS, userCgroups: "none" }).slice(-2), ["--cgroup-manager", "disabled"]);
  t.strictSame(makeGlobalArgs("crun", { ...FLAGS, userCgroups: "some" }), makeGlobalArgs("crun", FLAGS));
});
