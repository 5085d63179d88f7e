// Puts the engine together for a door. Each part is loaded when it is first asked for: what brings a pod up must not
// wait for what tells of it.

import type { PodName } from "../base/names.ts";
import { makePodPaths } from "../base/paths.ts";
import { makePodClient } from "./control/control-client.ts";
import type { Engine, EngineOptions, Networks } from "./engine.ts";
import { openImages } from "./images/images.ts";
import { makeReader } from "./looking/reader.ts";
import { findPrograms } from "./programs.ts";
import type { Launcher } from "./reaper-link.ts";
import { openNamedVolumes } from "./volumes/named-volumes.ts";

/** Where the engine runs. */
export interface Place {
  /** Absolute path of the running bundle; later supervisors are started from it. */
  readonly script: string;
  /** Set where the reaper started us, so that `up` makes this very process the pod's supervisor. */
  readonly launcher?: Launcher;
}

export function openEngine(options: EngineOptions, place: Place): Engine {
  const programs = findPrograms(place.script);
  const reader = makeReader(options.root);
  return {
    reader,
    client: (pod: PodName) =>
      makePodClient(pod, {
        root: options.root,
        reader,
        reviveReaper: async () => (await import("./degraded.ts")).reviveReaper(options.root, pod, programs),
        removeRuins: async () =>
          (await import("./doctor/ruins.ts")).removeRuins(makePodPaths(options.root, pod), options.root),
      }),
    plan: async (request) =>
      (await (await import("./planning/make-pod-plan.ts")).makePodPlan(options, programs, request)).plan,
    up: async (request) => {
      if (place.launcher)
        return (await import("./start/up-inside.ts")).upInside(options, programs, request, place.launcher);
      return (await import("./start/up-outside.ts")).upOutside(options, programs, request);
    },
    template: async () => (await import("../manifest/spec-template.ts")).makeSpec(),
    generate: async (pod) => (await import("./looking/generate-pod.ts")).generatePod(options.root, pod),
    bundle: async (request) => (await import("./planning/bundle-pod.ts")).bundlePod(options, programs, request),
    buildImage: async (request) => (await import("./images/build-pod-image.ts")).buildPodImage(request),
    execCommand: async (pod, request) =>
      (await import("./exec-command.ts")).makeExecCommand(options.root, pod, request, programs.pty),
    attach: async (pod, request) => (await import("./attach.ts")).attach(options.root, pod, request),
    logs: (pod, request) =>
      lazily(async () => (await import("./looking/pod-logs.ts")).readPodLogs(options.root, pod, request)),
    processes: async (pod) => (await import("./looking/pod-processes.ts")).readPodProcesses(options.root, pod),
    stats: (request) => lazily(async () => (await import("./looking/read-stats.ts")).readStats(options.root, request)),
    namespaces: async (request) =>
      (await import("./looking/pod-namespaces.ts")).readPodNamespaces(options.root, request),
    get volumes() {
      return openNamedVolumes(options.root);
    },
    get networks() {
      return openNetworks(options.root);
    },
    get images() {
      return openImages(options.root);
    },
    doctor: async (request) => (await import("./doctor/doctor.ts")).examine(options.root, request),
    notify: async (socket, notice) =>
      (await import("./notify-systemd.ts")).notifySystemd(programs.probe, notice, { NOTIFY_SOCKET: socket }),
    verify: async (what) => (await import("./looking/verify-pod.ts")).verifyPod(options.root, what),
  };
}

function openNetworks(root: string): Networks {
  const load = () => import("./networks/networks.ts");
  return {
    list: async () => (await load()).listNetworks(),
    inspect: async (name) => (await load()).inspectNetwork(name),
    check: async (pod) => (await load()).checkPod(root, pod),
  };
}

async function* lazily<T>(open: () => Promise<AsyncIterable<T>>): AsyncIterable<T> {
  yield* await open();
}
