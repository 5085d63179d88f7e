// ConfigMaps and Secrets reach containers as variables and files; what a Secret holds is nowhere on a disk, in no command
// line, and in nothing that we show.

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { EXAMPLES } from "../../scripts/golden.ts";
import { killIfThere } from "../support/if-any.ts";
import { supervisorOf } from "../support/own-processes.ts";
import { type PeapodHost, type PodFile, type PodRequest, type Test, testWithPeapod } from "../support/peapod-host.ts";
import { waitUntil } from "../support/wait-until.ts";

const STAY = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
const VALUE = "s3cr3t-Zq8wVx";

const SETTINGS = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "settings" },
  data: { color: "blue", "app.conf": "listen 80\n" },
  binaryData: { raw: "AAEC" },
};
const DB = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "db" },
  type: "kubernetes.io/basic-auth",
  data: { username: Buffer.from("admin").toString("base64") },
  stringData: { password: VALUE },
};

const fromSecret = (key: string) => ({ valueFrom: { secretKeyRef: { name: "db", key } } });

function aSecretivePod(host: PeapodHost, run: string, more: object = {}): PodFile {
  const pod = host.aPod({
    containers: [
      {
        name: "c",
        run,
        env: [
          { name: "PASSWORD", ...fromSecret("password") },
          { name: "URL", value: "db://$(PASSWORD)@host" },
        ],
        volumeMounts: [{ name: "keys", mountPath: "/keys" }],
      },
      { name: "plain", run: "exec sleep 1000" },
    ],
    spec: { volumes: [{ name: "keys", secret: { secretName: "db", defaultMode: 0o400 } }], ...more },
    documents: [DB],
  });
  return pod;
}

/** All regular files below a directory that are on its own file system and hold the value. */
function filesWithValue(dir: string): string[] {
  const files = execFileSync("find", [dir, "-xdev", "-type", "f"], { encoding: "utf8" }).split("\n").filter(Boolean);
  const { dev } = statSync(dir);
  // What is mounted on a file is found with it.
  return files.filter((file) => statSync(file).dev === dev && readFileSync(file).includes(VALUE));
}

function commandLinesWithValue(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return words.includes(VALUE) ? [words] : [];
      } catch {
        return [];
      }
    });
}

async function assertToldNowhere(t: Test, host: PeapodHost, pod: PodFile): Promise<void> {
  t.same(filesWithValue(host.root), [], "no file on disk has it");
  t.same(commandLinesWithValue(), [], "no command line has it");
  for (const words of [["inspect"], ["state"], ["events"], ["logs"], ["ps"], ["ns"]])
    t.notMatch(await host.must(...words, pod.name), VALUE, words.join(" "));
  t.notMatch(await host.must("create", "--dry-run", pod.file), VALUE, "--dry-run");
  t.notMatch(await host.must("bundle", "--explain", pod.file), VALUE, "--explain");
}

testWithPeapod("keys become variables and files, with the paths and modes that the manifest says", async (t, host) => {
  const pod = host.aPod({
    containers: [
      {
        name: "c",
        run: [
          "/bin/sh",
          "-c",
          'echo "$COLOR|$CFG_color|$CFG_raw|$USER_NAME|$GONE"; cat /conf/app.conf /keys/deep/pw /one; echo;' +
            " stat -c '%a %n' -L /conf/color /keys/deep/pw; touch /conf/x; touch /keys/x; od -An -tx1 /conf/raw; echo $1",
          "sh",
          "$(COLOR) $$(COLOR) $(NONE)",
        ],
        envFrom: [
          { prefix: "CFG_", configMapRef: { name: "settings" } },
          { configMapRef: { name: "none", optional: true } },
        ],
        env: [
          { name: "COLOR", valueFrom: { configMapKeyRef: { name: "settings", key: "color" } } },
          { name: "USER_NAME", ...fromSecret("username") },
          { name: "GONE", valueFrom: { configMapKeyRef: { name: "settings", key: "gone", optional: true } } },
        ],
        volumeMounts: [
          { name: "conf", mountPath: "/conf" },
          { name: "conf", mountPath: "/one", subPath: "color" },
          { name: "keys", mountPath: "/keys" },
        ],
      },
    ],
    spec: {
      volumes: [
        { name: "conf", configMap: { name: "settings" } },
        { name: "keys", secret: { secretName: "db", items: [{ key: "password", path: "deep/pw", mode: 0o400 }] } },
      ],
    },
    documents: [SETTINGS, DB],
  });
  const { out, err } = await host.peapod("run", pod.file);
  t.equal(
    out,
    `blue|blue||admin|\nlisten 80\n${VALUE}blue\n644 /conf/color\n400 /keys/deep/pw\n 00 01 02\nblue $(COLOR) $(NONE)\n`,
    err,
  );
  t.match(err, /\/conf\/x: Read-only file system/);
  t.match(err, /\/keys\/x: Read-only file system/);
});

testWithPeapod("what a Secret holds is in memory only, and told nowhere", async (t, host) => {
  const pod = aSecretivePod(host, "cat /keys/password >/dev/null; exec sleep 1000");
  await host.must("run", "-d", pod.file);
  t.equal(
    await host.must("exec", pod.name, "-c", "c", "--", "sh", "-c", "echo $URL; cat /keys/password"),
    `db://${VALUE}@host\n${VALUE}`,
  );
  const type = execFileSync("stat", ["-f", "-c", "%T", join(host.root, "pods", pod.name, "vault")], {
    encoding: "utf8",
  });
  t.equal(type, "tmpfs\n");
  await assertToldNowhere(t, host, pod);
  await host.must("delete", "--force", pod.name);
  t.same(
    filesWithValue(host.dir).filter((file) => file !== pod.file),
    [],
    "nor does anything stay",
  );
});

testWithPeapod("a manifest on standard input does not go through a command line", async (t, host) => {
  const pod = aSecretivePod(host, "exec sleep 1000");
  const { ended } = host.start(["run", "-"], { input: readFileSync(pod.file, "utf8") });
  await waitUntil("it runs", async () => (await host.state(pod).catch(() => undefined))?.status === "running");
  await assertToldNowhere(t, host, pod);
  await host.must("delete", "--force", pod.name);
  await ended;
});

testWithPeapod("a supervisor that is killed while the pod is made goes on with the Secrets", async (t, host) => {
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const pod = aSecretivePod(host, "cat /keys/password; echo; echo $URL; exec sleep 1000");
    const making = host.start(["run", "-d", pod.file]);
    const journal = join(host.root, "pods", pod.name, "journal");
    await waitUntil("it is being made", () => existsSync(journal) && readFileSync(journal, "utf8").includes("wanted"));
    killIfThere(supervisorOf(host, pod));
    const { code, err } = await making.ended;
    t.equal(code, 0, err);
    await waitUntil("it speaks", async () => (await host.must("logs", "-c", "c", pod.name)).includes("db://"));
    t.equal(await host.must("logs", "-c", "c", pod.name), `${VALUE}\ndb://${VALUE}@host\n`);
    await host.must("delete", "--force", pod.name);
  }
});

testWithPeapod("ConfigMaps and Secrets come from files of their own as well", async (t, host) => {
  const pod = host.aPod({
    containers: [
      {
        name: "c",
        run: "echo $A $B",
        env: [
          { name: "A", valueFrom: { configMapKeyRef: { name: "settings", key: "color" } } },
          { name: "B", ...fromSecret("username") },
        ],
      },
    ],
  });
  const [settings, db] = [join(host.dir, "settings.yaml"), join(host.dir, "db.json")];
  writeFileSync(settings, stringify(SETTINGS));
  writeFileSync(db, JSON.stringify(DB));
  t.equal(await host.must("run", "--configmap", settings, "--configmap", db, pod.file), "blue admin\n");
  const missing = await host.peapod("run", "--configmap", settings, pod.file);
  t.match(
    missing.err,
    /^peapod: .*pod1.yaml:\d+:\d+ spec\.containers\[0\]\.env\[1\]\.valueFrom\.secretKeyRef\.name: no Secret is called "db"; there is none/,
  );
  t.equal(missing.code, 125);
  writeFileSync(settings, stringify({ ...SETTINGS, data: { port: 80 } }));
  t.match(
    (await host.peapod("create", "--configmap", settings, "--configmap", db, pod.file)).err,
    /settings.yaml:\d+:\d+ data.port: must be a string/,
  );
  t.match((await host.peapod("create", "--configmap", pod.file, pod.file)).err, /must be ConfigMap or Secret/);
});

testWithPeapod("--env wins over --env-file, and that over the manifest", async (t, host) => {
  const show = "echo $A $B $C $D $E";
  const env = [
    { name: "A", value: "manifest" },
    { name: "B", value: "manifest" },
    { name: "E", value: "$(C)!" },
  ];
  const pod = host.aPod({ containers: [{ name: "c", run: show, env }] });
  const file = join(host.dir, "variables");
  writeFileSync(file, "# a comment\n\n  B=file\nC=file\nD\nNOT_SET\n");
  const run = host.start(["run", "--env-file", file, "-e", "C=option", pod.file], { env: { D: "callers" } });
  t.equal((await run.ended).out, "manifest file option callers option!\n");
  t.match((await host.peapod("run", "--env-file", "/nowhere", pod.file)).err, /file \/nowhere: does not exist/);
  writeFileSync(file, "=x\n");
  t.match((await host.peapod("run", "--env-file", file, pod.file)).err, /variables:1: "" is not a variable's name/);
});

testWithPeapod("bundles have ConfigMaps in them, and never a Secret", async (t, host) => {
  const pod = host.aPod({
    containers: [{ name: "c", run: "cat /conf/color", volumeMounts: [{ name: "conf", mountPath: "/conf" }] }],
    spec: { volumes: [{ name: "conf", configMap: { name: "settings" } }] },
    documents: [SETTINGS],
  });
  const out = join(host.dir, "out");
  await host.must("bundle", "-o", out, pod.file);
  try {
    execFileSync(join(out, "up.sh"), { stdio: "pipe" });
    await waitUntil("it has spoken", () => readFileSync(join(out, "logs", "c.log"), "utf8") === "blue");
  } finally {
    execFileSync(join(out, "down.sh"), { stdio: "pipe" });
  }
  const secret = aSecretivePod(host, "exit 0");
  const { code, err } = await host.peapod("bundle", "-o", join(host.dir, "out2"), secret.file);
  t.match({ code, err }, { code: 125, err: /container c: has a Secret, which is not written into bundles/ });
});

testWithPeapod("the example keeps its promises", async (t, host) => {
  const example = join(EXAMPLES, "config-and-secret", "pod.yaml");
  execFileSync(join(EXAMPLES, "make-rootfs"), [join(host.dir, "rootfs")]);
  const pod = { name: "config-and-secret", file: join(host.dir, "pod.yaml") };
  writeFileSync(pod.file, readFileSync(example));
  await host.must("run", "-d", pod.file);
  const logs = () => host.must("logs", pod.name);
  await waitUntil("the client is done", async () => /does not come without|not ok/.test(await logs()));
  const said = await logs();
  t.equal(said.match(/ ok: /g)?.length, 5, said);
  t.notMatch(said, "not ok");
});

testWithPeapod("a supervisor that is killed before there is a plan leaves no tmpfs", async (t, host) => {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const pod = aSecretivePod(host, "exec sleep 1000");
    const making = host.start(["create", pod.file]);
    const vault = join(host.root, "pods", pod.name, "vault");
    await waitUntil("its vault is there", () => existsSync(vault));
    killIfThere(supervisorOf(host, pod));
    const { code } = await making.ended;
    if (code === 0) await host.must("delete", "--force", pod.name);
    t.notOk(existsSync(vault));
  }
});

testWithPeapod("in a user namespace Secrets and groups are the container's own", async (t, host) => {
  chmodSync(host.dir, 0o711);
  const pod = host.aPod({
    annotations: { "peapod/namespaces.c": "user=private,net=private,ipc=private,uts=private" },
    containers: [
      {
        name: "c",
        run: "cat /keys/password; echo; stat -L -c '%a %u:%g' /keys/password; echo x >/data/x && stat -c %u:%g /data/x; id -G; echo $P",
        env: [{ name: "P", ...fromSecret("username") }],
        volumeMounts: [
          { name: "keys", mountPath: "/keys" },
          { name: "data", mountPath: "/data" },
        ],
      },
    ],
    spec: {
      securityContext: { fsGroup: 3000 },
      volumes: [
        { name: "keys", secret: { secretName: "db", defaultMode: 0o400 } },
        { name: "data", emptyDir: { sizeLimit: "1Mi" } },
      ],
    },
    documents: [DB],
  });
  const { out, err } = await host.peapod("run", pod.file);
  t.equal(out, `${VALUE}\n440 0:3000\n0:3000\n0 3000\nadmin\n`, err);
});

testWithPeapod(
  "a Secret that is another reaches the pod while it runs, and is told nowhere either",
  async (t, host) => {
    const exec = async (name: string, script: string) => await host.must("exec", "-c", name, "web", "sh", "-c", script);
    const request = (password: string, more: Partial<PodRequest> = {}): PodRequest => ({
      name: "web",
      containers: [
        { name: "told", run: STAY, env: [{ name: "PASSWORD", ...fromSecret("password") }] },
        { name: "sees", run: STAY, volumeMounts: [{ name: "keys", mountPath: "/keys" }] },
      ],
      spec: { volumes: [{ name: "keys", secret: { secretName: "db", defaultMode: 0o400 } }] },
      documents: [{ ...DB, stringData: { password } }],
      ...more,
    });
    const pod = host.aPod(request("before"));
    await host.must("run", "-d", pod.file);
    const become = async (what: PodRequest) => {
      await host.must("update", "web", "-f", host.aPod(what).file);
      return (await host.shown(pod)).containers.map(({ name, restartCount }) => `${name} ${restartCount}`);
    };
    t.same(await become(request(VALUE)), ["told 1", "sees 0"], "a variable cannot change, a file can");
    t.equal(await exec("told", "echo $PASSWORD"), `${VALUE}\n`);
    t.equal(await exec("sees", "cat /keys/password; stat -L -c %a /keys/password"), `${VALUE}400\n`);
    await assertToldNowhere(t, host, pod);
    t.same(await become(request(VALUE)), ["told 1", "sees 0"], "the same again changes nothing");
    const user = host.start(["exec", "--user", "7", "-c", "told", "web", "sh", "-c", "echo here; sleep 1000"]);
    await waitUntil("it runs as another user", () => user.said.out === "here\n");
    t.same(filesWithValue(host.root), [], "nor has what the runtime is told for it");
    killIfThere(supervisorOf(host, pod));
    await host.must("restart", "-c", "told", "web");
    await user.ended;
    t.equal(await exec("told", "echo $PASSWORD"), `${VALUE}\n`, "the next attempt has it as well");

    const plain = { name: "plain", run: STAY };
    t.same(await become({ name: "web", containers: [plain] }), ["plain 0"]);
    t.same(filesWithValue(join(host.root, "pods/web/vault")), [], "with the last who had it, it is gone from memory");
    t.same(await become(request(VALUE)), ["told 0", "sees 0"]);
    t.equal(await exec("sees", "cat /keys/password"), VALUE, "and comes back");
    await assertToldNowhere(t, host, pod);
  },
);

testWithPeapod("a pod without Secrets gets its first ones while it runs, in a file of their own", async (t, host) => {
  const pod = host.aPod({ name: "web", containers: [{ name: "c", run: STAY }] });
  await host.must("run", "-d", pod.file);
  const env = [{ name: "PASSWORD", ...fromSecret("password") }];
  const after = host.aPod({ name: "web", containers: [{ name: "c", run: STAY, env }] });
  const secrets = join(host.dir, "secrets.yaml");
  writeFileSync(secrets, JSON.stringify(DB));
  t.match((await host.peapod("update", "web", "-f", after.file)).err, /secretKeyRef\.name: no Secret is called/);
  await host.must("update", "web", "-f", after.file, "--configmap", secrets);
  t.equal(await host.must("exec", "web", "sh", "-c", "echo $PASSWORD"), `${VALUE}\n`);
  rmSync(secrets);
  t.same(filesWithValue(host.root), [], "no file on disk has it");
  await host.must("restart", "web");
  t.equal(await host.must("exec", "web", "sh", "-c", "echo $PASSWORD"), `${VALUE}\n`);
  t.match((await host.peapod("update", "web", "--configmap", secrets)).err, /--configmap: belongs to a manifest/);
});
