import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { PeapodError } from "../../../../src/base/errors.ts";
import { parseProfile, readSeccompProfiles } from "../../../../src/engine/planning/read-seccomp-profiles.ts";
import { parseManifest } from "../../../../src/manifest/read-manifest.ts";
import { podText } from "../../../support/planning.ts";

function faultOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof PeapodError) return `${error.code} ${error.message}`;
    throw error;
  }
  return "taken";
}

t.test("what is wrong with a profile is told with the file and the place in it", async (t) => {
  const table: [text: string, expected: RegExp][] = [
    [
      '{"defaultAction":"SCMP_ACT_ALLOW",\n "syscalls":[}',
      /^BAD_MANIFEST seccomp profile s\.json:2:14: is not JSON \(pod\.yaml:9\)$/,
    ],
    ["", /s\.json:1:1: is not JSON/],
    ['{"defaultAction":', /s\.json:1:18: is not JSON/],
    ["{} x", /s\.json:1:4: is not JSON/],
    ['{"a":"\n"}', /s\.json:1:7: is not JSON/],
    ["[]", /s\.json: it must be/],
    ["{}", /defaultAction is missing/],
    ['{"defaultAction":"SCMP_ACT_NOTIFY"}', /\/defaultAction not supported: nobody listens/],
    ['{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/x"}', /\/listenerPath not supported/],
    ['{"defaultAction":"SCMP_ACT_ALLOW","sysCalls":[]}', /\/sysCalls unknown field; did you mean "syscalls"\?/],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","errno":"EFOO"}]}',
      /\/syscalls\/0\/errno must be the name of an error, is EFOO/,
    ],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","args":[{"index":6,"value":-1,"op":"EQ"}]}]}',
      /\/syscalls\/0\/args\/0\/index .*\/syscalls\/0\/args\/0\/value .*\/syscalls\/0\/args\/0\/op /s,
    ],
  ];
  for (const [text, expected] of table)
    t.match(
      faultOf(() => parseProfile(text, "s.json", "pod.yaml:9")),
      expected,
      text,
    );
  t.equal(
    faultOf(() => parseProfile('{"defaultAction":"SCMP_ACT_LOG","syscalls":null}', "s.json", "")),
    "taken",
  );
});

t.test(
  "a profile is looked for beside the manifest, then where the machine's are; what is no file is told",
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "profiles-"));
    t.teardown(() => rmSync(dir, { recursive: true }));
    const manifest = parseManifest(
      podText({
        spec: { securityContext: { seccompProfile: { type: "Localhost", localhostProfile: "p/one.json" } } },
      }),
      { file: "pod.yaml", baseDir: join(dir, "pod") },
    );
    const root = join(dir, "root");
    const read = () => readSeccompProfiles(manifest, root).get("p/one.json")?.defaultAction;
    t.match(
      faultOf(read),
      /^NOT_FOUND container web: seccomp profile p\/one\.json does not exist \(pod\.yaml:\d+ spec\.securityContext\./,
    );
    mkdirSync(join(root, "seccomp/p"), { recursive: true });
    writeFileSync(join(root, "seccomp/p/one.json"), '{"defaultAction":"SCMP_ACT_LOG"}');
    t.equal(read(), "SCMP_ACT_LOG");
    mkdirSync(join(dir, "pod/p"), { recursive: true });
    const beside = join(dir, "pod/p/one.json");
    writeFileSync(beside, '{"defaultAction":"SCMP_ACT_ALLOW"}');
    t.equal(read(), "SCMP_ACT_ALLOW");
    rmSync(beside);
    execFileSync("mkfifo", [beside]);
    t.match(faultOf(read), /one\.json: is not a plain file/, "a FIFO does not hang us");
    rmSync(beside);
    mkdirSync(beside);
    t.match(faultOf(read), /one\.json: is not a plain file/);
    rmSync(beside, { recursive: true });
    writeFileSync(beside, Buffer.alloc(1024 * 1024 + 1, " "));
    t.match(faultOf(read), /is larger than 1048576 bytes/);
  },
);
