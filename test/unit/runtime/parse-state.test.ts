import t from "tap";
import { parseState } from "../../../src/runtime/parse-state.ts";

const RUNC = `{
  "ociVersion": "1.0.2-dev",
  "id": "web",
  "pid": 11183,
  "status": "running",
  "bundle": "/p/bundles/web",
  "rootfs": "/p/bundles/web/rootfs",
  "created": "2026-11-22T18:33:18.367092231Z",
  "annotations": { "a": "b" },
  "owner": ""
}`;

t.test("what runc prints is taken", async (t) => {
  t.strictSame(await parseState("container web", RUNC), { status: "running", pid: 11183 });
});

t.test("one that has ended has no process, whatever the runtime still remembers", async (t) => {
  const text = JSON.stringify({ ociVersion: "1.0.2", id: "web", status: "stopped", pid: 7 });
  t.strictSame(await parseState("container web", text), { status: "stopped", pid: 0 });
  t.strictSame(await parseState("container web", text.replace(',"pid":7', "")), { status: "stopped", pid: 0 });
});

t.test("anything else is the runtime's failure", async (t) => {
  for (const text of [
    "",
    "garbage",
    "[]",
    "null",
    '{"status":"running"}',
    RUNC.replace("running", "dancing"),
    RUNC.replace("11183", '"11183"'),
  ]) {
    await t.rejects(parseState("container web", text), { code: "RUNTIME_FAILED", message: /^container web: / }, text);
  }
});
