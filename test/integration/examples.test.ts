// Every example runs as it is, and proves what the comment at its head says: its result is 0, it says `ok:` so many times
// and never `not ok:`, and where an outsider sees more than its containers do the journal is asked.

import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { EXAMPLES, exampleNames } from "../../scripts/golden.ts";
import type { Event } from "../../src/state/event.ts";
import { type PeapodHost, type Test, testWithPeapod } from "../support/peapod-host.ts";
import { exampleRootfs } from "../support/rootfs.ts";
import { patient } from "../support/slowness.ts";
import { waitUntil } from "../support/wait-until.ts";

interface Promises {
  /** How often each container says `ok:`. */
  readonly oks: Readonly<Record<string, number>>;
  /** Default: 0. */
  readonly result?: number;
  /** What must have happened, in this order, other things in between. */
  readonly story?: readonly string[];
}

const PROMISES: Readonly<Record<string, Promises>> = {
  adapter: {
    oks: { collector: 2 },
    story: ["shop startup-passed", "adapter creating", "adapter startup-passed", "collector creating"],
  },
  ambassador: { oks: { client: 1 }, story: ["ambassador startup-passed", "client creating", "ambassador exited"] },
  "config-and-secret": { oks: { server: 3, client: 2 } },
  "config-reload": { oks: { reloader: 1, lamp: 2 }, story: ["seed exited", "reloader started", "lamp started"] },
  debug: { oks: { tools: 4 }, story: ["server post-started", "tools creating", "tools exited", "server signalled"] },
  hardened: { oks: { probe: 15, backup: 1 } },
  "host-network": { oks: { probe: 1 } },
  hostpath: { oks: { writer: 3 } },
  job: {
    oks: { worker: 4 },
    story: ["worker exited", "worker creating", "worker backing-off", "worker creating", "worker exited", "pod exited"],
  },
  limits: { oks: { modest: 2 }, result: 137 },
  "logical-host": { oks: { web: 1, ann: 7, bob: 7 } },
  "mixed-namespaces": { oks: { backup: 2, db: 1, agent: 2 } },
  names: { oks: { client: 7 } },
  "native-sidecar": {
    oks: { store: 1, migration: 1, shop: 1 },
    story: [
      "store startup-passed",
      "migration creating",
      "migration exited",
      "shop creating",
      "shop exited",
      "store exited",
    ],
  },
  "private-net": { oks: { east: 3, west: 3 } },
  probes: {
    oks: { server: 4 },
    story: [
      "server startup-passed",
      "server ready",
      "server unhealthy",
      "server exited",
      "server creating",
      "server ready",
    ],
  },
  projected: { oks: { shop: 10 } },
  "read-only": { oks: { careful: 7 } },
  "shared-pid": { oks: { worker: 1, watcher: 2 } },
  "sidecar-logging": { oks: { shipper: 3, shop: 1 }, story: ["shipper started", "shop exited", "shipper exited"] },
  "tmpfs-cache": { oks: { writer: 2, reader: 2 } },
  "user-namespace": { oks: { admin: 5, neighbour: 2, hermit: 1 } },
  "wait-for": {
    oks: { "wait-for-database": 1, shop: 1 },
    story: ["database started", "wait-for-database started", "wait-for-database exited", "shop creating"],
  },
};

/** terminals.test.ts sits down at the first; the second runs until it is stopped, below; building-in-pods.test.ts has the rest. */
const OTHERS = ["interactive", "graceful-drain", "build-in-pod", "docker-in-pod"];

t.test("no example is forgotten", async (t) => {
  t.same([...Object.keys(PROMISES), ...OTHERS].sort(), exampleNames());
});

for (const [example, { oks, result = 0, story = [] }] of Object.entries(PROMISES)) {
  testWithPeapod(`${example} keeps its promises`, async (t, host) => {
    t.teardown(() => rmSync("/tmp/peapod-example-hostpath", { recursive: true, force: true }));
    const { code, out, err } = await host.peapod("run", anExample(host, example));
    t.equal(code, result, `its result is ${result}`, { out, err });
    sayOk(t, out, oks);
    tells(t, host, story);
  });
}

testWithPeapod("graceful-drain keeps its promises when it is stopped", async (t, host) => {
  const file = anExample(host, "graceful-drain");
  // In flight until a slow machine has come to the stop; the pod's grace is 20 s.
  writeFileSync(file, readFileSync(file, "utf8").replace(/sleep 2$/m, `sleep ${Math.min(patient(2), 15)}`));
  await host.must("run", "-d", file);
  const logs = async () => {
    const { out, err } = await host.peapod("logs", "graceful-drain");
    return `${out}${err}`;
  };
  await waitUntil("a request is in flight", async () => (await logs()).includes("in flight"));
  await host.must("stop", "graceful-drain");
  t.equal(await host.must("wait", "graceful-drain"), "0\n");
  sayOk(t, await logs(), { server: 2, client: 2 });
  tells(t, host, ["client signalled", "server signalled", "pod exited"]);
});

/** As its reader would have it: the manifest beside a root file system. */
function anExample(host: PeapodHost, example: string): string {
  // In a user namespace others must pass through it.
  chmodSync(host.dir, 0o711);
  const dir = join(host.dir, "example");
  mkdirSync(dir);
  exampleRootfs(join(dir, "rootfs"));
  copyFileSync(join(EXAMPLES, example, "pod.yaml"), join(dir, "pod.yaml"));
  return join(dir, "pod.yaml");
}

/** A pod of one container writes no name before its lines. */
function sayOk(t: Test, said: string, expected: Promises["oks"]): void {
  const [only] = Object.keys(expected);
  const counts: Record<string, number> = {};
  for (const [, name = only ?? ""] of said.matchAll(/^(?:(\S+) +\| )?ok: /gm)) counts[name] = (counts[name] ?? 0) + 1;
  t.same(counts, expected, "says ok so many times", { said });
  t.notMatch(said, /not ok|not found|ermission denied/, "complains of nothing");
}

function tells(t: Test, host: PeapodHost, story: readonly string[]): void {
  const told = [...host.journals().values()].flat().map(shortly);
  let from = 0;
  for (const [index, step] of story.entries()) {
    const at = told.indexOf(step, from);
    t.not(at, -1, `${step}${index === 0 ? "" : `, after ${story[index - 1]}`}`, { told });
    from = at + 1;
  }
}

function shortly(event: Event): string {
  const who = "container" in event ? event.container : "pod";
  return `${who} ${event.type.replace(/^.*?\./, "")}`;
}
