import t from "tap";
import { makeUnshareArgs, pinFromProcess, pinNamespaces } from "../../../src/host/namespaces.ts";
import type { NamespaceKind, PinnedNamespace } from "../../../src/plan/plan.ts";

function aPin(kind: NamespaceKind, more: Partial<PinnedNamespace> = {}): PinnedNamespace {
  return { kind, owner: "pod", file: `/run/p/ns/${kind}`, from: "new", ...more };
}

t.test("namespaces that need nothing inside run nothing inside", async (t) => {
  t.strictSame(makeUnshareArgs([aPin("ipc")]), ["--ipc=/run/p/ns/ipc", "--", "true"]);
});

t.test("a network brings its loopback up, without a host name", async (t) => {
  const args = makeUnshareArgs([aPin("net"), aPin("ipc")]);
  t.strictSame(args.slice(0, 5), ["--net=/run/p/ns/net", "--ipc=/run/p/ns/ipc", "--", "sh", "-ec"]);
  t.match(args[5], "ip link set lo up");
  t.notMatch(args[5], "hostname");
});

t.test("a host name is an argument of the script, never part of it", async (t) => {
  const args = makeUnshareArgs([aPin("uts", { hostname: "$(reboot)" })]);
  t.equal(args.at(-1), "$(reboot)");
  t.notMatch(args.at(-3), "reboot");
});

t.test("clock offsets go with the time namespace", async (t) => {
  const args = makeUnshareArgs([aPin("time", { offsets: { monotonic: 5, boottime: -7 } })]);
  t.strictSame(args, ["--time=/run/p/ns/time", "--monotonic", "5", "--boottime", "-7", "--", "true"]);
});

t.test("kinds that live only with a process inside are not made without one", async (t) => {
  await t.rejects(pinNamespaces([aPin("pid")]), { code: "BUG", message: /pid/ });
});

t.test("a mount namespace is never pinned", async (t) => {
  await t.rejects(pinFromProcess(aPin("mnt", { file: `${t.testdirName}/mnt` }), process.pid), {
    code: "NOT_SUPPORTED",
  });
});
