// Docker in swarm mode with peapod-oci as its default runtime: a service whose image carries a pod is a service of pods.
// A real dockerd, alone in its swarm, does everything that people do with services, and is killed in the middle of it.

import { readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { stringify } from "yaml";
import { Dockerd, waitForDocker, whyNoDockerd } from "../support/dockerd.ts";
import { killIfThere } from "../support/if-any.ts";
import { childrenOf } from "../support/own-processes.ts";
import type { Test } from "../support/peapod-host.ts";
import { buildPlainImage, buildPodImage, makePodManifest, WAIT_FOR_STOP } from "../support/pod-image.ts";
import { patient } from "../support/slowness.ts";

const FILE_DEADLINE_MS = patient(600_000);
const TEST_DEADLINE_MS = patient(180_000);
const skip = whyNoDockerd();

/** Not by a virtual address: that would need IPVS, which not every kernel has. */
const ON_MESH = ["--network", "mesh", "--endpoint-mode", "dnsrr"];
const SWIFT = ["--restart-delay", "100ms", "--update-monitor", "500ms", "--stop-grace-period", "5s"];

let docker: Dockerd;

// All of it, on a slow machine.
t.setTimeout(FILE_DEADLINE_MS);

t.before(async () => {
  if (skip !== false) return;
  docker = await Dockerd.start();
  t.teardown(() => docker.remove());
  // Its network namespace has no other interface, and no other node will ever join.
  await docker.must("swarm", "init", "--advertise-addr", "127.0.0.1");
  await docker.must("network", "create", "--driver", "overlay", "--attachable", "mesh");
  await buildPlainImage(docker, "plain");
  await buildPodImage(docker, "shop", { containers: shop("v1") });
  await buildPodImage(docker, "shop:2", { containers: shop("v2") });
});

/** Two members: one serves what it knows; the other serves nothing without it, and says so by its end. */
function shop(version: string) {
  const page = `echo ${version} $(hostname) $(cat /run/secrets/word) $(cat /etc/menu) $GREETING > /www/index.html`;
  return [
    { name: "web", run: `mkdir /www; ${page}; httpd -p 80 -h /www; echo web is up; ${WAIT_FOR_STOP}` },
    {
      name: "side",
      run: [
        "trap 'exit 0' TERM",
        "until wget -qO- http://localhost/; do usleep 50000; done",
        "test -d /goods && touch /goods/$(hostname)",
        "echo side is up",
        "while wget -qO- http://localhost/ >/dev/null; do usleep 200000; done",
      ].join("; "),
    },
  ];
}

/** After the body, whether that passed or not, services and what they use are removed, and nothing may be left. */
function testWithSwarm(sentence: string, body: (t: Test) => Promise<void>): void {
  t.test(sentence, { skip, timeout: TEST_DEADLINE_MS }, async (t) => {
    const before = docker.readTraces();
    try {
      await body(t);
    } finally {
      await removeAll("service", "ls");
      await waitForDocker("all tasks are gone", async () => (await docker.must("ps", "--all", "--quiet")) === "");
      await removeAll("secret", "ls");
      await removeAll("config", "ls");
      await removeAll("volume", "ls");
      await docker.nothingNewIsLeft(t, before);
    }
  });
}

async function removeAll(kind: string, list: string): Promise<void> {
  const left = await linesOf(kind, list, "--quiet");
  if (left.length > 0) await docker.must(kind, "rm", ...left);
}

async function linesOf(...args: string[]): Promise<string[]> {
  return (await docker.must(...args)).split("\n").filter((line) => line !== "");
}

/** Whole ids of the containers that run for a service. */
async function runningOf(service: string): Promise<string[]> {
  const filter = `label=com.docker.swarm.service.name=${service}`;
  return await linesOf("ps", "--quiet", "--no-trunc", "--filter", filter, "--filter", "status=running");
}

async function becomes(service: string, replicas: number): Promise<void> {
  await waitForDocker(`${service} has ${replicas} replicas`, async () => {
    const [told] = await linesOf("service", "ls", "--filter", `name=${service}`, "--format", "{{.Replicas}}");
    return told === `${replicas}/${replicas}` && (await runningOf(service)).length === replicas;
  });
}

async function aService(name: string, replicas: number, ...words: string[]): Promise<void> {
  const counts = ["--name", name, "--replicas", String(replicas)];
  await docker.must("service", "create", "--quiet", "--detach", "--no-resolve-image", ...counts, ...SWIFT, ...words);
  await becomes(name, replicas);
}

async function aSecretAndAConfig(): Promise<void> {
  for (const [kind, name, text] of [
    ["secret", "word", "xyzzy"],
    ["config", "menu", "soup"],
  ] as const) {
    const { code, err } = await docker.run([kind, "create", name, "-"], text).ended;
    if (code !== 0) throw new Error(err);
  }
}

/** What one gets who asks every address of `tasks.<service>` from another container of the network. */
async function pagesOf(service: string): Promise<string[]> {
  const script = [
    `for ip in $(busybox nslookup tasks.${service} | while read key ip; do test "$key" = Address: && echo $ip; done)`,
    "do case $ip in 127.*) ;; *) wget -qO- http://$ip/ ;; esac; done",
  ].join("; ");
  return (await linesOf("run", "--rm", "--network", "mesh", "plain", "sh", "-c", script)).sort();
}

async function servesPages(service: string, isRight: (pages: readonly string[]) => boolean): Promise<string[]> {
  let pages: string[] = [];
  await waitForDocker(`${service} serves what it should`, async () => {
    pages = await pagesOf(service).catch(() => []);
    return isRight(pages);
  });
  return pages;
}

function memberPids(id: string, member: string): number[] {
  return docker.processes().flatMap(({ pid, cgroup }) => (cgroup.endsWith(`/${id}/${member}`) ? [pid] : []));
}

testWithSwarm("ordinary services find each other and go without a trace", async (t) => {
  const serve = `mkdir /www; hostname > /www/index.html; httpd -p 80 -h /www; ${WAIT_FOR_STOP}`;
  await aService("web", 2, "--hostname", "web-{{.Task.Slot}}", ...ON_MESH, "plain", "sh", "-c", serve);
  t.strictSame(await servesPages("web", (pages) => pages.length === 2), ["web-1", "web-2"]);
  await docker.must("service", "rm", "web");
});

testWithSwarm(
  "a service of three pods: secret, config, volume, environment, and one address for each pod",
  async (t) => {
    await aSecretAndAConfig();
    await aService(
      "shop",
      3,
      ...["--secret", "word", "--config", "source=menu,target=/etc/menu", "--env", "GREETING=welcome"],
      ...["--mount", "type=volume,source=goods,target=/goods", "--hostname", "shop-{{.Task.Slot}}"],
      ...[...ON_MESH, "shop"],
    );
    const pages = await servesPages("shop", (pages) => pages.length === 3);
    t.strictSame(
      pages,
      [1, 2, 3].map((slot) => `v1 shop-${slot} xyzzy soup welcome`),
    );

    const ask = "while true; do wget -qO- http://tasks.shop/; sleep 1; done";
    await aService("client", 1, ...ON_MESH, "plain", "sh", "-c", `trap 'exit 0' TERM; (${ask}) & wait`);
    await waitForDocker("the other service has been answered", async () =>
      (await docker.must("service", "logs", "--raw", "client")).includes("xyzzy soup welcome"),
    );

    const logs = await docker.must("service", "logs", "--raw", "shop");
    for (const line of ["web | web is up", "side | side is up", "side | v1 shop-2 xyzzy soup welcome"])
      t.match(logs, line);
    const goods = await docker.must("run", "--rm", "--volume", "goods:/goods", "plain", "ls", "/goods");
    t.equal(goods, "shop-1\nshop-2\nshop-3\n", "the other member writes to the service's volume");
    const states = await linesOf("service", "ps", "--format", "{{.CurrentState}}", "shop");
    t.ok(states.length === 3 && states.every((state) => state.startsWith("Running")), "service ps", { states });

    await docker.must("service", "rm", "client", "shop");
  },
);

testWithSwarm("a service of pods is scaled, and updated one by one", async (t) => {
  await aService("shop", 1, "--hostname", "shop-{{.Task.Slot}}", ...ON_MESH, "shop");
  await docker.must("service", "scale", "--detach", "shop=3");
  await becomes("shop", 3);
  await docker.must("service", "scale", "--detach", "shop=2");
  await becomes("shop", 2);
  t.strictSame(await servesPages("shop", (pages) => pages.length === 2), ["v1 shop-1", "v1 shop-2"]);

  const update = ["service", "update", "--quiet", "--detach", "--no-resolve-image"];
  await docker.must(...update, "--update-parallelism", "1", "--image", "shop:2", "shop");
  await updateBecomes("shop", "completed");
  await becomes("shop", 2);
  t.strictSame(await servesPages("shop", (pages) => pages.length === 2), ["v2 shop-1", "v2 shop-2"]);
});

testWithSwarm("an update to a pod that cannot start is rolled back by itself", async (t) => {
  await buildPodImage(docker, "shop:bad", { containers: [{ name: "web" }, { name: "bad", run: ["nonesuch"] }] });
  await aService("shop", 2, "--update-failure-action", "rollback", "--rollback-monitor", "500ms", ...ON_MESH, "shop");
  await docker.must("service", "update", "--quiet", "--detach", "--no-resolve-image", "--image", "shop:bad", "shop");
  await updateBecomes("shop", "rollback_completed");
  await becomes("shop", 2);
  const told = await docker.must("service", "ps", "--no-trunc", "--format", "{{.Error}}", "shop");
  t.match(told, /nonesuch/, "service ps says why");
  t.match(await pagesOf("shop"), [/^v1/, /^v1/]);
});

async function updateBecomes(service: string, state: string): Promise<void> {
  const template = "{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}";
  await waitForDocker(
    `the update of ${service} is ${state}`,
    async () => (await docker.must("service", "inspect", "--format", template, service)).trim() === state,
  );
}

testWithSwarm("a pod of a service that fails is replaced by another", async (t) => {
  await aService("shop", 2, ...ON_MESH, "shop");
  const [victim = "", other] = await runningOf("shop");
  await servesPages("shop", (pages) => pages.length === 2);
  for (const pid of memberPids(victim, "web")) killIfThere(pid);
  await waitForDocker("the task is over", async () => !(await runningOf("shop")).includes(victim));
  await becomes("shop", 2);
  t.ok((await runningOf("shop")).includes(other ?? ""), "the other pod has not been touched");
  const told = await docker.must("service", "ps", "--no-trunc", "--format", "{{.CurrentState}} {{.Error}}", "shop");
  t.match(told, /^Failed .*non-zero exit \(137\)/m, "the truth about the first");
});

testWithSwarm("a pod of a service that is not healthy is replaced by another", async (t) => {
  const check = ["--health-cmd", "test -e /www/index.html", "--health-interval", "200ms", "--health-retries", "3"];
  await aService("shop", 1, ...check, ...ON_MESH, "shop");
  const [first = ""] = await runningOf("shop");
  await docker.must("exec", first, "rm", "/www/index.html");
  await waitForDocker("the task is over", async () => !(await runningOf("shop")).includes(first));
  await becomes("shop", 1);
  const [second = ""] = await runningOf("shop");
  t.equal(await docker.field(second, ".State.Health.Status"), "healthy");
});

testWithSwarm("a config overrides the manifest of the image", async (t) => {
  const containers = [
    ...shop("from the config"),
    { name: "third", image: "rootfs:/containers/side", run: `echo third is up; ${WAIT_FOR_STOP}` },
  ];
  const { code, err } = await docker.run(["config", "create", "pod", "-"], makePodManifest({ containers })).ended;
  t.equal(code, 0, err);
  const over = ["--config", "source=pod,target=/pod.yaml", "--env", "PEAPOD_MANIFEST=/pod.yaml"];
  await aService("shop", 1, ...over, ...ON_MESH, "shop");
  t.match(await servesPages("shop", (pages) => pages.length === 1), [/^from the config/]);
  t.match(await docker.must("service", "logs", "--raw", "shop"), "third | third is up");
});

testWithSwarm("docker stack deploy brings up pods and what they use, and stack rm takes all of it away", async (t) => {
  writeFileSync(join(docker.dir, "menu"), "soup");
  writeFileSync(join(docker.dir, "word"), "xyzzy");
  const mesh = { networks: ["inner"], stop_grace_period: "5s" };
  const deploy = (replicas: number) => ({ deploy: { replicas, endpoint_mode: "dnsrr" } });
  const stack = {
    version: "3.8",
    services: {
      shop: {
        ...{ image: "shop", environment: { GREETING: "welcome" }, secrets: ["word"], ...mesh, ...deploy(2) },
        configs: [{ source: "menu", target: "/etc/menu" }],
      },
      client: {
        ...{ image: "plain", ...mesh, ...deploy(1) },
        command: [
          "sh",
          "-c",
          "trap 'exit 0' TERM; while true; do wget -qO- http://tasks.shop/; sleep 1 & wait $!; done",
        ],
      },
    },
    networks: { inner: { driver: "overlay" } },
    configs: { menu: { file: join(docker.dir, "menu") } },
    secrets: { word: { file: join(docker.dir, "word") } },
  };
  // The client's stack files have `$$` for a dollar.
  const text = stringify(stack, { aliasDuplicateObjects: false }).replaceAll("$", "$$$$");
  writeFileSync(join(docker.dir, "stack.yaml"), text);
  await docker.must("stack", "deploy", "--resolve-image", "never", "--compose-file", "stack.yaml", "demo");
  await becomes("demo_shop", 2);
  await waitForDocker("the client has been answered", async () =>
    (await docker.must("service", "logs", "--raw", "demo_client")).includes("xyzzy soup welcome"),
  );
  t.match(
    await docker.must("stack", "ps", "--format", "{{.Name}} {{.CurrentState}}", "demo"),
    /^demo_shop\.2 Running/m,
  );
  await docker.must("stack", "rm", "demo");
  await waitForDocker(
    "the stack's network is gone",
    async () => (await linesOf("network", "ls", "--quiet", "--filter", "name=demo")).length === 0,
  );
});

testWithSwarm("the supervisor and the reaper of a service's pods may be killed, and the service goes on", async (t) => {
  await aService("shop", 3, ...ON_MESH, "shop");
  await servesPages("shop", (pages) => pages.length === 3);
  const tasks = await runningOf("shop");
  const [first, second] = tasks.map((id) => docker.reaperOf(id));
  t.ok(first !== undefined && second !== undefined, "they are there");
  // A supervisor that sleeps is not there; then its reaper only loses nothing.
  for (const pid of childrenOf(first ?? 0)) if (readlinkSync(`/proc/${pid}/exe`).endsWith("/node")) killIfThere(pid);
  killIfThere(second);
  t.equal((await servesPages("shop", (pages) => pages.length === 3)).length, 3);
  t.strictSame((await runningOf("shop")).sort(), tasks.sort(), "no task was replaced");
  await docker.must("service", "rm", "shop");
});

testWithSwarm(
  "dockerd is killed and started again: the service comes back, and nothing is left of its first life",
  async (t) => {
    await aService("shop", 3, "--hostname", "shop-{{.Task.Slot}}", ...ON_MESH, "shop");
    await servesPages("shop", (pages) => pages.length === 3);
    const first = await runningOf("shop");
    await docker.kill9();
    t.ok(
      first.every((id) => memberPids(id, "web").length > 0),
      "the pods live on meanwhile",
    );
    await docker.restart();
    await becomes("shop", 3);
    const pages = await servesPages("shop", (pages) => pages.length === 3);
    t.strictSame(pages, ["v1 shop-1", "v1 shop-2", "v1 shop-3"]);
    t.ok(
      first.every((id) => docker.processesOf(id).length === 0),
      "nothing runs of the first three",
    );
    await docker.must("service", "rm", "shop");
  },
);
