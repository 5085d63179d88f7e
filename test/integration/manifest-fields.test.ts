// Fields of the manifest that no other test of real containers speaks of (test/unit/docs/field-coverage.test.ts has the list):
// each does what docs/manifest.md says.

import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { readHostFacts } from "../../src/host/read-facts.ts";
import { type PeapodHost, type PodFile, testWithPeapod } from "../support/peapod-host.ts";
import { SLOWNESS } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

const SITE = "mkdir -p /tmp/www; echo hello >/tmp/www/index.html; exec httpd -f -vv -p 8080 -h /tmp/www";

testWithPeapod(
  "what a cluster's tools leave in a manifest does no harm, and what they say is known",
  async (t, host) => {
    const pod = host.aPod({
      containers: [
        {
          name: "c",
          run: 'echo "$NAMESPACE $(hostname)"',
          env: [{ name: "NAMESPACE", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } } }],
        },
      ],
      spec: { hostname: "counter" },
    });
    const document = parse(readFileSync(pod.file, "utf8"));
    Object.assign(document.metadata, { namespace: "shop", creationTimestamp: null });
    writeFileSync(pod.file, stringify({ ...document, status: {} }));
    t.equal((await host.peapod("run", pod.file)).out, "shop counter\n");
  },
);

testWithPeapod("what is optional and not there is an empty directory", async (t, host) => {
  const optional = true;
  const volumes = {
    configMap: { configMap: { name: "none", optional } },
    secret: { secret: { secretName: "none", optional } },
    projected: { projected: { sources: [{ secret: { name: "none", optional } }] } },
  };
  const names = Object.keys(volumes);
  const pod = host.aPod({
    containers: [
      {
        name: "c",
        run: "ls /v/*",
        envFrom: [{ secretRef: { name: "none", optional } }],
        volumeMounts: names.map((name) => ({ name: name.toLowerCase(), mountPath: `/v/${name}` })),
      },
    ],
    spec: { volumes: Object.entries(volumes).map(([name, source]) => ({ name: name.toLowerCase(), ...source })) },
  });
  t.equal((await host.peapod("run", pod.file)).out, "/v/configMap:\n\n/v/projected:\n\n/v/secret:\n");
});

testWithPeapod("a probe begins after initialDelaySeconds, and counts to successThreshold", async (t, host) => {
  const readinessProbe = {
    exec: { command: ["sh", "-c", "echo asked >>/asked"] },
    initialDelaySeconds: 1,
    periodSeconds: 1,
    successThreshold: 2,
    timeoutSeconds: 20,
  };
  const pod = host.aPod({ containers: [{ name: "c", readinessProbe }] });
  await host.must("run", "-d", pod.file);
  await host.must("wait", "--for", "ready", pod.name);
  const times = await timesOf(host, pod);
  t.ok((times.get("container.ready") ?? 0) - (times.get("container.started") ?? 0) > 1900, "a second, and one more");
  t.match(await host.must("exec", pod.name, "cat", "/asked"), /^asked\nasked\n/);
});

testWithPeapod("a probe that fails because its container is being stopped says nothing of it", async (t, host) => {
  // Ready once; from then on as an application whose door closes first and whose life ends later.
  const probe = "[ -e /asked ] || exec touch /asked; echo >/asks; until [ -e /closed ]; do sleep 0.1; done; exit 1";
  const run = "trap 'touch /closed; sleep 2; exit 0' TERM; while :; do sleep 0.1; done";
  const readinessProbe = {
    exec: { command: ["sh", "-c", probe] },
    periodSeconds: 1,
    timeoutSeconds: 50,
    failureThreshold: 1,
  };
  const pod = host.aPod({
    containers: [{ name: "c", run, readinessProbe }],
    spec: { terminationGracePeriodSeconds: 50 },
  });
  await host.must("run", "-d", pod.file);
  await waitUntil(
    "a probe is in the middle",
    async () => (await host.peapod("exec", pod.name, "ls", "/asks")).code === 0,
  );
  await host.must("stop", pod.name);
  const types = [...(await timesOf(host, pod)).keys()];
  t.ok(types.includes("container.ready"));
  t.notOk(types.includes("container.unready"), types.join());
});

testWithPeapod("a probe's own terminationGracePeriodSeconds comes before the pod's", async (t, host) => {
  const livenessProbe = {
    exec: { command: ["false"] },
    periodSeconds: 1,
    failureThreshold: 1,
    terminationGracePeriodSeconds: 1,
  };
  const run = "trap '' TERM; while :; do sleep 0.1; done";
  const pod = host.aPod({
    containers: [{ name: "c", run, livenessProbe }],
    spec: { terminationGracePeriodSeconds: 100 },
  });
  const begin = Date.now();
  t.equal((await host.peapod("run", pod.file)).code, 137);
  t.ok(Date.now() - begin < 50_000);
});

testWithPeapod("hooks ask by HTTP, HTTPS and TCP, and say whom they did not reach", async (t, host) => {
  const preStop = (hook: object) => ({ lifecycle: { preStop: hook } });
  const port = 8080;
  const pod = host.aPod({
    containers: [
      {
        name: "web",
        run: SITE,
        readinessProbe: {
          httpGet: { port: "http", host: "127.0.0.1", scheme: "HTTP" },
          periodSeconds: 1,
          timeoutSeconds: 50,
        },
        ports: [{ name: "http", containerPort: port, protocol: "TCP" }],
        lifecycle: { preStop: { sleep: { seconds: 1 } } },
      },
      { name: "plain", ...preStop({ httpGet: { port, host: "localhost", path: "/plain" } }) },
      // It answers HTTPS with HTTP, and is asked again.
      { name: "secure", ...preStop({ httpGet: { port, path: "/secure", scheme: "HTTPS" } }) },
      { name: "near", ...preStop({ tcpSocket: { port, host: "localhost" } }) },
      { name: "nowhere", ...preStop({ tcpSocket: { port: 8081, host: "127.0.0.1" } }) },
    ],
    spec: { terminationGracePeriodSeconds: 20 },
  });
  await host.must("run", "-d", pod.file);
  await host.must("wait", "--for", "ready", pod.name);
  // `sleep` as a first process heeds no SIGTERM.
  await host.must("stop", "-t", "3", pod.name);
  const { err } = await host.peapod("logs", "--container", "web", pod.name);
  t.match(err, /url:\/plain/);
  t.match(err, /url:\/secure/);
  const failed = (await eventsOf(host, pod)).filter(({ type }) => type === "container.pre-stop-failed");
  t.match(failed, [{ container: "nowhere", message: /connection refused/ }]);
  t.equal(failed.length, 1);
});

/** Serves the service "shop" and no other. */
const GRPC_SERVER = `
const server = require("node:http2").createServer();
server.on("stream", (stream) => {
  const parts = [];
  stream.on("data", (part) => parts.push(part)).on("end", () => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, Buffer.concat(parts).includes("shop") ? 1 : 2]));
  });
});
server.listen(9000, "127.0.0.1", () => console.log("listening"));
`;

testWithPeapod("a grpc probe asks for its service", async (t, host) => {
  // The first answer is to be the server's, which begins after the pod.
  const initialDelaySeconds = Math.min(SLOWNESS - 1, 30);
  const asks = (service: string) => ({
    readinessProbe: { grpc: { port: 9000, service }, initialDelaySeconds, periodSeconds: 1, timeoutSeconds: 9 },
  });
  const pod = host.aPod({
    containers: [
      { name: "shop", ...asks("shop") },
      { name: "other", ...asks("other") },
    ],
  });
  await host.must("run", "-d", pod.file);
  const pid = (await host.state(pod)).containers[0]?.pid;
  const file = join(host.dir, "server.cjs");
  writeFileSync(file, GRPC_SERVER);
  const server = spawn("nsenter", [`--net=/proc/${pid}/ns/net`, process.execPath, file]);
  try {
    await waitUntil("shop is ready, and the other has been told that it is not", async () => {
      const told = (await eventsOf(host, pod)).map(
        (event) => `${event.container} ${event.type} ${event.message ?? ""}`,
      );
      return (
        told.includes("shop container.ready ") &&
        told.some((line) => /^other container.unready .*NOT_SERVING/.test(line))
      );
    });
    t.pass();
  } finally {
    server.kill("SIGKILL");
    await new Promise((resolve) => server.once("close", resolve));
  }
});

testWithPeapod("with hostNetwork a hostPort is the host's own port", async (t, host) => {
  const port = await aFreePort();
  const ports = [{ name: "web", containerPort: port, hostPort: port, hostIP: "127.0.0.1", protocol: "TCP" }];
  const run = SITE.replace("8080", `127.0.0.1:${port}`);
  const readinessProbe = { httpGet: { port: "web" }, periodSeconds: 1, timeoutSeconds: 50 };
  const pod = host.aPod({ containers: [{ name: "c", run, ports, readinessProbe }], spec: { hostNetwork: true } });
  await host.must("run", "-d", pod.file);
  await host.must("wait", "--for", "ready", pod.name);
  t.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "hello\n");
});

testWithPeapod("fsGroupChangePolicy says when a named volume is given to the group anew", async (t, host) => {
  const run = async (fsGroupChangePolicy: string, script: string) => {
    const pod = host.aPod({
      containers: [{ name: "c", run: script, volumeMounts: [{ name: "v", mountPath: "/v" }] }],
      spec: {
        securityContext: { fsGroup: 2000, fsGroupChangePolicy },
        volumes: [{ name: "v", persistentVolumeClaim: { claimName: "store" } }],
      },
    });
    return (await host.peapod("run", pod.file)).out;
  };
  await run("Always", "touch /v/file; chgrp 3000 /v/file");
  t.equal(await run("OnRootMismatch", "stat -c %g /v/file"), "3000\n", "the volume's root is the group's already");
  t.equal(await run("Always", "stat -c %g /v/file"), "2000\n");
});

const HUGE = { "2Mi": "2MB", "1Gi": "1GB" };
for (const [size, file] of Object.entries(HUGE)) {
  const dir = `/sys/kernel/mm/hugepages/hugepages-${size === "2Mi" ? 2048 : 1048576}kB`;
  const skip =
    existsSync(dir) && "hugetlb" in readHostFacts().cgroupMounts
      ? false
      : `no huge pages of ${size} with a cgroup here`;
  testWithPeapod(
    `a limit of huge pages of ${size} stands on the container's cgroup`,
    async (t, host) => {
      const amount = { [`hugepages-${size}`]: size };
      const resources = { limits: { memory: "64Mi", ...amount }, requests: { memory: "64Mi", ...amount } };
      const run = `cat /sys/fs/cgroup/hugetlb/hugetlb.${file}.limit_in_bytes /sys/fs/cgroup/hugetlb.${file}.max`;
      const pod = host.aPod({ containers: [{ name: "c", run, resources }] });
      t.equal((await host.peapod("run", pod.file)).out, `${size === "2Mi" ? 2 ** 21 : 2 ** 30}\n`);
    },
    { skip },
  );
}

interface Told {
  readonly type: string;
  readonly time: string;
  readonly container?: string;
  readonly message?: string;
}

async function eventsOf(host: PeapodHost, pod: PodFile): Promise<readonly Told[]> {
  const lines = (await host.must("events", "--format", "json", pod.name)).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Told);
}

async function timesOf(host: PeapodHost, pod: PodFile): Promise<ReadonlyMap<string, number>> {
  return new Map((await eventsOf(host, pod)).map(({ type, time }) => [type, Date.parse(time)]));
}

function aFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
