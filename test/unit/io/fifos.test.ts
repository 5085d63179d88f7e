import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { makeFifos } from "../../../src/io/fifos.ts";

t.test("the FIFOs of all containers are made, for their owner alone", async (test) => {
  const dir = test.testdir({});
  const containers = ["web", "sidecar"].map((name) => ({
    stdout: join(dir, name, "stdout"),
    stderr: join(dir, name, "stderr"),
  }));
  await makeFifos(containers);
  for (const path of containers.flatMap(({ stdout, stderr }) => [stdout, stderr])) {
    test.ok(statSync(path).isFIFO());
    test.equal(statSync(path).mode & 0o777, 0o600);
  }
  test.equal(statSync(join(dir, "web")).mode & 0o777, 0o700);
});

t.test("those that are there stay, so it may be called again", async (test) => {
  const dir = test.testdir({});
  const container = { stdout: join(dir, "stdout"), stderr: join(dir, "stderr") };
  await makeFifos([container]);
  const { ino } = statSync(container.stdout);
  await makeFifos([container]);
  test.equal(statSync(container.stdout).ino, ino);
  await makeFifos([]);
});

t.test("a name that something else has is refused", async (test) => {
  const dir = test.testdir({});
  writeFileSync(join(dir, "stdout"), "");
  await test.rejects(makeFifos([{ stdout: join(dir, "stdout"), stderr: join(dir, "stderr") }]), {
    code: "STATE_DAMAGED",
  });
});
