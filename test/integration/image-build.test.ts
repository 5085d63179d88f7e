// `peapod image build`: out of a manifest, an image made here and a directory comes one image, with each builder that is
// installed, and it runs as a pod. What cannot be built is refused in one sentence, and nothing stays behind.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { Dockerd, whyNoDockerd } from "../support/dockerd.ts";
import { findOnPath, PEAPOD_OCI } from "../support/oci-script.ts";
import { BIN, type Ended, type Test } from "../support/peapod-host.ts";
import { Machine, makeBusyboxTree, Podman, whyNotWith } from "../support/podman.ts";
import { patient } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

const DEADLINE_MS = patient(200_000);

/** What the image says of itself, as `import --change` takes it; its shell would expand what peapod must not. */
const CHANGES = [
  'ENTRYPOINT ["/bin/sh", "-c"]',
  `CMD ["echo $GREETING '$$(GREETING)' '$(GREETING)' $(pwd); id -u; id -g; cat /etc/only"]`,
  "ENV GREETING=hello",
  "WORKDIR /srv",
  "USER app:staff",
  "EXPOSE 8080",
];
const MANIFEST = `apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  restartPolicy: Never
  containers:
    - name: web
      image: localhost/web:1
    - name: db
      image: rootfs:./db
      command: [/bin/sh, -c, "stat -c '%u:%g %a %F' /srv /srv/* | sort; cat /srv/hard; readlink /srv/link; ls /srv; exit 3"]
    - name: web2
      image: localhost/web:1
      args: ["echo \\"$GREETING\\"; id -u"]
      env: [{name: GREETING, value: "good morning"}]
      securityContext: {runAsUser: 7}
`;
const SAID: Readonly<Record<string, readonly string[]>> = {
  web: ["hello $$(GREETING) $(GREETING) /srv", "1000", "50", "web's own"],
  db: [
    "0:0 4711 regular empty file",
    "0:0 755 directory",
    "0:0 755 directory",
    "0:0 777 symbolic link",
    "7:8 600 regular file",
    "7:8 600 regular file",
    "hard",
    "/etc/shadow",
    `a "name" $X with 'all'`,
    "hard",
    "link",
    "setuid",
    "soft",
  ],
  web2: ["good morning", "7"],
};

/** An image's files, the manifest, and beside it a directory with what is easily lost on the way. */
function writeShop(dir: string): void {
  const web = makeBusyboxTree(dir, "web", "db") && join(dir, "web");
  writeFileSync(join(web, "etc/passwd"), "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n");
  writeFileSync(join(web, "etc/group"), "root:x:0:\nstaff:x:50:\n");
  writeFileSync(join(web, "etc/only"), "web's own\n");
  mkdirSync(join(web, "srv"));
  const srv = join(dir, "db/srv");
  mkdirSync(srv);
  writeFileSync(join(srv, "hard"), "hard\n", { mode: 0o600 });
  chownSync(join(srv, "hard"), 7, 8);
  linkSync(join(srv, "hard"), join(srv, "soft"));
  symlinkSync("/etc/shadow", join(srv, "link"));
  writeFileSync(join(srv, "setuid"), "");
  chmodSync(join(srv, "setuid"), 0o4711);
  mkdirSync(join(srv, `a "name" $X with 'all'`));
  execFileSync("tar", ["-C", web, "-cf", join(dir, "web.tar"), "."]);
  writeFileSync(join(dir, "pod.yaml"), MANIFEST);
}

/** The lines of each member, which come side by side. */
function byMember(out: string): Record<string, string[]> {
  const lines: Record<string, string[]> = {};
  for (const line of out.split("\n").filter((one) => one !== "")) {
    const [, member = "?", text = ""] = /^([a-z0-9]+) \| (.*)$/.exec(line) ?? [undefined, "?", line];
    lines[member] = [...(lines[member] ?? []), text];
  }
  return lines;
}

// ---- podman and buildah, which share their images ----

interface Shop {
  readonly machine: Machine;
  readonly podman: Podman;
  /** Of a manifest in the machine's directory, which errors do not name. */
  build(manifest: string, ...args: string[]): Promise<Ended>;
}

/** A builder's program that uses the machine's store. */
function writeBuilder(machine: Machine, program: "podman" | "buildah"): string {
  const path = join(machine.dir, program);
  const store = ["--root", join(machine.dir, "store"), "--runroot", join(machine.dir, "run")];
  const more = program === "podman" ? ["--tmpdir", join(machine.dir, "tmp"), "--events-backend", "file"] : [];
  writeFileSync(path, `#!/bin/sh\nexec ${findOnPath(program)} ${[...store, ...more].join(" ")} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

async function openShop(t: Test): Promise<Shop> {
  const machine = await Machine.start();
  t.teardown(() => machine.remove());
  const podman = new Podman(machine, PEAPOD_OCI);
  // Otherwise its locks lie in /dev/shm, and are those of every podman on the machine.
  appendFileSync(join(machine.dir, "containers.conf"), 'lock_type = "file"\n');
  writeShop(machine.dir);
  const changes = CHANGES.flatMap((change) => ["--change", change]);
  await podman.must("import", ...changes, join(machine.dir, "web.tar"), "localhost/web:1");
  mkdirSync(join(machine.dir, "temporary"));
  const env = {
    CONTAINERS_CONF: join(machine.dir, "containers.conf"),
    TMPDIR: join(machine.dir, "temporary"),
    PEAPOD_BUILDER: writeBuilder(machine, "podman"),
  };
  const build = async (manifest: string, ...args: string[]) => {
    const words = [join(BIN, "peapod"), "image", "build", join(machine.dir, manifest), ...args];
    const { err, ...ended } = await machine.call(words, { env });
    return { ...ended, err: err.replaceAll(`${machine.dir}/`, "") };
  };
  return { machine, podman, build };
}

async function nothingIsLeft(t: Test, { machine, podman }: Shop, before: readonly string[]): Promise<void> {
  t.strictSame(readdirSync(join(machine.dir, "temporary")), [], "no temporary file is left");
  t.equal(await podman.must("ps", "--all", "--external", "--quiet"), "", "no container is left");
  await machine.isAsBefore(t, before);
}

t.test("podman", { skip: whyNotWith("podman", "conmon", "tar"), timeout: DEADLINE_MS }, async (t) => {
  const shop = await openShop(t);
  const { machine, podman, build } = shop;
  const before = machine.readTraces();

  await t.test("a manifest, an image and a directory become one image", async (t) => {
    t.match(await build("pod.yaml", "-t", "localhost/shop:1"), { code: 0, out: "localhost/shop:1\n", err: "" });
    t.equal(await podman.inspect("shop:1", "{{.Config.Cmd}} {{.Config.Entrypoint}}"), "[peapod] []");
    t.equal(await podman.inspect("shop:1", '{{index .Config.Labels "io.peapod.pod"}}'), "shop");
    t.equal(await podman.inspect("shop:1", "{{json .Config.ExposedPorts}}"), '{"8080/tcp":{}}');
    await nothingIsLeft(t, shop, before);
  });

  await t.test("it runs as a pod, in which each member is what its image or directory was", async (t) => {
    const run = await podman.podman("run", "--rm", "localhost/shop:1");
    t.strictSame(byMember(run.out), SAID);
    t.strictSame({ code: run.code, err: run.err }, { code: 3, err: "" });
    await nothingIsLeft(t, shop, before);
  });

  await t.test("the same again is made of what is there already", async (t) => {
    const idOf = (name: string) => podman.inspect(name, "{{.Id}}");
    t.match(await build("pod.yaml", "-t", "localhost/shop:2"), { code: 0 });
    t.equal(await idOf("shop:2"), await idOf("shop:1"));
  });

  await t.test("a user that the image does not know is refused, with the line", async (t) => {
    await podman.must("import", "--change", "USER nobody", join(machine.dir, "web.tar"), "localhost/odd");
    writeFileSync(
      join(machine.dir, "odd.yaml"),
      MANIFEST.replace("localhost/web:1", "localhost/odd\n      command: [x]"),
    );
    t.match(await build("odd.yaml", "-t", "shop"), {
      code: 125,
      out: "",
      err:
        'peapod: container web: user "nobody" of image localhost/odd is not in its /etc/passwd (odd.yaml:8)\n' +
        "hint: set securityContext.runAsUser and runAsGroup\n",
    });
    await nothingIsLeft(t, shop, before);
  });

  await t.test("an image that cannot be pulled is told in the builder's last words", async (t) => {
    writeFileSync(join(machine.dir, "far.yaml"), MANIFEST.replaceAll("localhost/web:1", "localhost:1/web"));
    const { code, out, err } = await build("far.yaml", "-t", "shop");
    t.strictSame({ code, out }, { code: 125, out: "" });
    t.match(err, /^peapod: container web: image localhost:1\/web cannot be pulled \(far\.yaml:8\): .*refused\n$/);
    await nothingIsLeft(t, shop, before);
  });

  await t.test("a name that would be more than a name reaches no builder", async (t) => {
    for (const name of ["web AS x", "web\\nRUN id", "--tag=x", "$HOME", "scratch", 'a\\"b']) {
      writeFileSync(join(machine.dir, "bad.yaml"), MANIFEST.replaceAll("localhost/web:1", `"${name}"`));
      const { code, err } = await build("bad.yaml", "-t", "shop");
      t.equal(code, 125, name);
      t.match(err, /^peapod: bad\.yaml:8:7 spec\.containers\[0\]\.image: ".*" is not the name of an image/, name);
    }
    t.match(await build("pod.yaml", "-t", "shop --rm"), { code: 125, err: /"shop --rm": is not a name for an image/ });
  });

  await t.test("an interrupted build leaves nothing", async (t) => {
    const slow = join(machine.dir, "slow");
    const podman = join(machine.dir, "podman");
    const script = `case $1 in build) echo >"$0.works"; sleep 1000 & wait;; *) exec ${podman} "$@";; esac`;
    writeFileSync(slow, `#!/bin/sh\ntrap 'kill $!; exit 1' INT\n${script}\n`);
    chmodSync(slow, 0o755);
    const manifest = join(machine.dir, "pod.yaml");
    const words = [join(BIN, "peapod"), "image", "build", manifest, "-t", "shop", "--builder", slow];
    const building = machine.run(words, { env: { TMPDIR: join(machine.dir, "temporary") } });
    await waitUntil("the builder works", () => readdirSync(machine.dir).includes("slow.works"), 20_000);
    // nsenter's only child is peapod itself, and nsenter has become it.
    building.child.kill("SIGTERM");
    t.match(await building.ended, { code: 143, out: "", err: /was interrupted\n$/ });
    await nothingIsLeft(t, shop, before);
  });

  await t.test("buildah makes the same image", { skip: whyNotWith("buildah") }, async (t) => {
    const buildah = writeBuilder(machine, "buildah");
    t.match(await build("pod.yaml", "-t", "localhost/shop:3", "--builder", buildah), { code: 0, err: "" });
    t.strictSame(byMember((await podman.podman("run", "--rm", "localhost/shop:3")).out), SAID);
    await nothingIsLeft(t, shop, before);
  });
});

// ---- docker ----

/** Debian's own client before any other: it is as old as its daemon. */
function findClient(): string {
  return existsSync("/usr/bin/docker") ? "/usr/bin/docker" : "docker";
}

t.test("docker", { skip: whyNoDockerd(), timeout: DEADLINE_MS }, async (t) => {
  const docker = await Dockerd.start();
  t.teardown(() => docker.remove());
  const dir = join(docker.dir, "shop");
  mkdirSync(dir);
  writeShop(dir);
  const changes = CHANGES.flatMap((change) => ["--change", change]);
  await docker.must("import", ...changes, join(dir, "web.tar"), "localhost/web:1");
  for (const [builder, tag, buildkit] of [
    ["its classic builder", "shop:classic", "0"],
    ["BuildKit", "shop:buildkit", "1"],
  ] as const) {
    await t.test(`${builder} makes the same image`, async (t) => {
      const env = {
        DOCKER_HOST: `unix://${join(docker.dir, "docker.sock")}`,
        DOCKER_CONFIG: join(docker.dir, "client"),
        DOCKER_BUILDKIT: buildkit,
      };
      const words = ["image", "build", "--builder", findClient(), join(dir, "pod.yaml"), "-t", tag];
      const out = execFileSync(join(BIN, "peapod"), words, { env: { ...process.env, ...env }, encoding: "utf8" });
      t.equal(out, `${tag}\n`);
      t.equal(await docker.must("ps", "--all", "--quiet"), "", "no container is left");
      const run = await docker.docker("run", "--rm", tag);
      t.strictSame(byMember(run.out), SAID);
      t.equal(run.code, 3);
    });
  }
});
