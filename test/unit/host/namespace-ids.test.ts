import { statSync } from "node:fs";
import t from "tap";
import { isPinned, parseNamespaceLink, readNamespaceIds, readPinnedId } from "../../../src/host/namespace-ids.ts";
import { NAMESPACE_KINDS } from "../../../src/plan/plan.ts";

t.test("a link names a namespace by its number", async (t) => {
  t.equal(parseNamespaceLink("net:[4026531833]"), 4026531833);
  t.equal(parseNamespaceLink("pid_for_children:[7]"), 7);
  t.equal(parseNamespaceLink("/somewhere/else"), undefined);
});

t.test("our own namespaces have the numbers of their files", async (t) => {
  const ids = readNamespaceIds("self");
  for (const kind of NAMESPACE_KINDS) t.equal(ids[kind], statSync(`/proc/self/ns/${kind}`).ino, kind);
});

t.test("of a process that is not there nothing is known", async (t) => {
  const ids = readNamespaceIds(2 ** 22 + 1);
  t.ok(NAMESPACE_KINDS.every((kind) => ids[kind] === undefined));
});

t.test("an ordinary file pins nothing, a namespace's own file is one", async (t) => {
  t.notOk(isPinned(import.meta.filename));
  t.notOk(isPinned("/no/such/file"));
  t.equal(readPinnedId(import.meta.filename), undefined);
  t.equal(readPinnedId("/proc/self/ns/net"), readNamespaceIds("self").net);
});
