// The matrix as the kernel has it: /proc/PID/ns of every container against what the plan says.

import { statSync } from "node:fs";
import t from "tap";
import { NAMESPACE_KINDS } from "../../src/plan/plan.ts";
import { CANNOT_RUN, type PlainPod, type Test, withPlainPod } from "../support/plain-runc.ts";
import { type PodWords, podText } from "../support/planning.ts";

/** The host's namespaces, by paths that anybody could name. */
const HERE = `/proc/${process.pid}/ns`;

const SLEEP = { command: ["/bin/sleep", "60"] };

const PODS: Record<string, PodWords> = {
  defaults: {},
  none: { annotations: { "peapod/share": "none" } },
  "all-shared": { annotations: { "peapod/share": "+pid,cgroup" } },
  host: { spec: { hostNetwork: true, hostPID: true, hostIPC: true } },
  "host-net-own-name": { spec: { hostNetwork: true }, annotations: { "peapod/share": "+uts" } },
  lent: {
    annotations: {
      "peapod/namespaces.web": "net=private,ipc=private,uts=private,cgroup=private",
      "peapod/namespaces.db":
        "net=container:web,ipc=container:web,uts=container:web,pid=container:web,cgroup=container:web",
    },
  },
  paths: {
    annotations: {
      "peapod/namespaces.db": ["net", "ipc", "uts", "pid"].map((kind) => `${kind}=path:${HERE}/${kind}`).join(","),
    },
  },
  "user-of-pod": { annotations: { "peapod/share": "+user" } },
  "user-of-pod-and-all": { annotations: { "peapod/share": "+user,pid,cgroup" } },
  "user-alone": { annotations: { "peapod/namespaces.web": "user=private,net=private,ipc=private,uts=private" } },
  "user-on-host": {
    annotations: { "peapod/namespaces.web": "user=private,net=host,ipc=host,uts=host,pid=host,cgroup=host" },
  },
  "user-lent": {
    annotations: {
      "peapod/namespaces.web": "user=private,net=private,ipc=private,uts=private",
      "peapod/namespaces.db":
        "user=container:web,net=container:web,ipc=container:web,uts=container:web,pid=container:web",
    },
  },
};

t.test("each container is in the namespaces that its plan names", { skip: CANNOT_RUN }, async (t) => {
  for (const [name, words] of Object.entries(PODS)) {
    await t.test(name, async (t) => {
      const containers = { web: SLEEP, db: SLEEP, third: SLEEP };
      await withPlainPod(t, podText({ name, ...words, containers }), (pod) => checkMatrix(t, pod));
    });
  }
});

type Kind = (typeof NAMESPACE_KINDS)[number];

function checkMatrix(t: Test, pod: PlainPod): void {
  const pids = new Map(pod.plan.containers.map((one) => [one.name as string, pod.pidOf(one.name)]));
  for (const { name: container, namespaces } of pod.plan.containers) {
    for (const kind of NAMESPACE_KINDS) {
      const namespace = namespaces[kind];
      const is = inodeOf(pids.get(container), kind);
      const what = `${container} ${kind}: ${namespace.scope}`;
      if (namespace.scope === "host") t.equal(is, inodeOf(process.pid, kind), what);
      else t.equal(is !== inodeOf(process.pid, kind), !isHostPath(namespace), `${what} is not the host's`);
      if (namespace.scope !== "host" && namespace.file !== undefined)
        t.equal(is, statSync(namespace.file).ino, `${what} is the pinned one`);
      const others = [...pids]
        .filter(([other]) => other !== container && inodeOf(pids.get(other), kind) === is)
        .map(([other]) => other);
      t.strictSame(
        others.sort(),
        expectedNeighbours(pod, container, kind),
        `${what}, shared with ${others.join(" ") || "nobody"}`,
      );
    }
  }
  for (const container of ["web", "db", "third"]) {
    t.match(
      pod.exec(container, "/bin/echo", "inside"),
      { status: 0, output: "inside\n" },
      `exec gets into ${container}`,
    );
  }
}

function inodeOf(pid: number | undefined, kind: Kind): number {
  return statSync(`/proc/${pid}/ns/${kind}`).ino;
}

function isHostPath(namespace: PlainPod["plan"]["containers"][number]["namespaces"][Kind]): boolean {
  return namespace.scope === "path" && namespace.file.startsWith(HERE);
}

/** Who else is in the same one, by the plan alone. */
function expectedNeighbours({ plan }: PlainPod, container: string, kind: Kind): string[] {
  const keyOf = (one: (typeof plan.containers)[number]): string => {
    const namespace = one.namespaces[kind];
    if (namespace.scope === "host" || isHostPath(namespace)) return "host";
    return namespace.scope === "private" ? (namespace.file ?? `private ${one.name}`) : namespace.file;
  };
  const own = plan.containers.find((one) => one.name === container);
  return plan.containers
    .filter((one) => one.name !== container && own !== undefined && keyOf(one) === keyOf(own))
    .map((one) => one.name as string)
    .sort();
}
