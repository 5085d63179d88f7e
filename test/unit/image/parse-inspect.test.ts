import t from "tap";
import { parseInspect } from "../../../src/image/parse-inspect.ts";

const SAID = {
  Entrypoint: ["/entry"],
  Cmd: ["serve"],
  Env: ["PATH=/bin"],
  WorkingDir: "/srv",
  User: "app",
  ExposedPorts: { "80/tcp": {} },
  StopSignal: "SIGQUIT",
};
const MEANT = {
  entrypoint: ["/entry"],
  cmd: ["serve"],
  env: ["PATH=/bin"],
  workingDir: "/srv",
  user: "app",
  exposedPorts: ["80/tcp"],
  stopSignal: "SIGQUIT",
};
const NOTHING = { entrypoint: [], cmd: [], env: [], workingDir: "", user: "", exposedPorts: [], stopSignal: "" };

t.test("docker's, podman's and buildah's words for one image are one image", async (t) => {
  t.strictSame(parseInspect(JSON.stringify([{ Id: "1", Config: SAID }]), "web"), MEANT);
  t.strictSame(parseInspect(JSON.stringify({ Config: "{}", OCIv1: { config: SAID } }), "web"), MEANT);
});

t.test("what an image does not say is empty", async (t) => {
  const nulls = Object.fromEntries(Object.keys(SAID).map((key) => [key, null]));
  for (const config of [{}, null, nulls]) {
    t.strictSame(parseInspect(JSON.stringify([{ Config: config }]), "web"), NOTHING);
  }
  t.strictSame(parseInspect('{"Config":"","OCIv1":{}}', "web"), NOTHING);
});

t.test("a builder that prints something else is told of", async (t) => {
  for (const text of ["", "[]", "null", "{}", "web", '[{"Config":']) {
    t.throws(() => parseInspect(text, "web"), {
      code: "RUNTIME_FAILED",
      message: "image web: the builder does not tell what it runs",
    });
  }
});
