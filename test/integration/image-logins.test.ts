// Registries that want a login: what is said without one, and that the password is nobody's but skopeo's.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeImage, whyNoImages } from "../support/image-layout.ts";
import { filesOf, readCommandLines, toolsOf } from "../support/image-store.ts";
import { testWithPeapod } from "../support/peapod-host.ts";
import { Gate, LOGIN, Registry } from "../support/registry.ts";
import { waitUntil } from "../support/wait-until.ts";

const skip = whyNoImages("docker-registry");

testWithPeapod(
  "a registry that wants a login gets it from where skopeo has it; without, one sentence says what to do",
  async (t, host) => {
    const layout = join(host.dir, "layout");
    makeImage(layout, { tag: "a", config: ["--config.cmd", "/bin/sleep", "--config.cmd", "1000"] });
    const registry = await Registry.start(host.dir, LOGIN);
    const slow = await Gate.open(registry.address, 50_000);
    const secrets = [LOGIN.password, Buffer.from(`${LOGIN.user}:${LOGIN.password}`).toString("base64")];
    try {
      const image = registry.push(layout, "a", "team/a:1");
      const home = join(host.dir, "home");
      mkdirSync(join(home, ".docker"), { recursive: true });
      const none = { HOME: home, XDG_RUNTIME_DIR: home, REGISTRY_AUTH_FILE: undefined };
      const pull = async (name: string, env: NodeJS.ProcessEnv) =>
        await host.start(["image", "pull", name], { env: { ...none, ...env } }).ended;
      const writeAuth = (file: string, password: string) => {
        const auth = Buffer.from(`${LOGIN.user}:${password}`).toString("base64");
        const auths = Object.fromEntries([registry.address, slow.address].map((address) => [address, { auth }]));
        writeFileSync(join(host.dir, file), JSON.stringify({ auths }));
        return join(host.dir, file);
      };
      const wrong = { REGISTRY_AUTH_FILE: writeAuth("wrong.json", "rose") };
      for (const env of [{}, wrong]) {
        const ended = await pull(image, env);
        t.equal(ended.code, 125);
        const [sentence, hint, ...more] = ended.err.trimEnd().split("\n");
        t.match(sentence, /^peapod: image \S+team\/a:1 cannot be pulled: .*authentication required$/);
        t.equal(hint?.trim(), `hint: the registry wants a login: skopeo login ${registry.address}, or podman login`);
        t.strictSame(more, []);
        t.strictSame(filesOf(host), [], "nothing is left");
      }
      const right = { REGISTRY_AUTH_FILE: writeAuth("right.json", LOGIN.password) };
      const pulling = host.start(["image", "pull", `${slow.address}/team/a:1`], { env: { ...none, ...right } });
      await waitUntil("it is in the middle", () => slow.isSilent && toolsOf(host).length > 0, 20_000);
      const words = readCommandLines().flatMap((one) => one.words);
      t.strictSame(
        words.filter((word) => secrets.some((secret) => word.includes(secret))),
        [],
        "on no command line",
      );
      pulling.child.kill("SIGINT");
      t.equal((await pulling.ended).code, 130);
      const pulled = await pull(image, right);
      t.equal(pulled.code, 0, pulled.err);
      await host.must("image", "rm", image);
      writeAuth("home/.docker/config.json", LOGIN.password);
      const file = join(host.dir, "pod.yaml");
      const spec = `{terminationGracePeriodSeconds: 1, containers: [{name: c, image: '${image}'}]}`;
      writeFileSync(file, `{apiVersion: v1, kind: Pod, metadata: {name: mine}, spec: ${spec}}`);
      const ran = await host.start(["run", "-d", file], { env: none }).ended;
      t.equal(ran.code, 0, ran.err);
      const told = [ran.out, ran.err, await host.must("inspect", "mine"), await host.must("image", "inspect", image)];
      for (const secret of secrets) {
        t.notOk(
          told.some((text) => text.includes(secret)),
          "it is not shown",
        );
        // State, logs, journal, the store.
        const found = execFileSync("sh", ["-c", 'grep -rlF -- "$1" "$2" || true', "sh", secret, host.root]);
        t.equal(String(found), "", "it lies in no file of ours");
      }
      await host.must("delete", "--force", "mine");
    } finally {
      slow.close();
      await registry.stop();
    }
  },
  { skip },
);
