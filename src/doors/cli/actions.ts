// Which code does what a verb says. Loaded late: the first container waits for what is imported before it.

import type { Task } from "./task.ts";

/** Returns the exit status. */
export type Action = (task: Task) => Promise<number>;

export const ACTIONS: Readonly<Record<string, () => Promise<Action>>> = {
  spec: async () => (await import("./actions/bundle.ts")).spec,
  bundle: async () => (await import("./actions/bundle.ts")).bundle,
  "image build": async () => (await import("./actions/image.ts")).build,
  create: async () => (await import("./actions/up.ts")).create,
  run: async () => (await import("./actions/up.ts")).run,
  clone: async () => (await import("./actions/copy.ts")).clone,
  generate: async () => (await import("./actions/copy.ts")).generate,
  start: async () => (await import("./actions/change.ts")).start,
  attach: async () => (await import("./actions/attach.ts")).attach,
  exec: async () => (await import("./actions/exec.ts")).exec,
  kill: async () => (await import("./actions/change.ts")).kill,
  stop: async () => (await import("./actions/change.ts")).stop,
  restart: async () => (await import("./actions/change.ts")).restart,
  delete: async () => (await import("./actions/change.ts")).remove,
  pause: async () => (await import("./actions/change.ts")).pause,
  resume: async () => (await import("./actions/change.ts")).resume,
  update: async () => (await import("./actions/update.ts")).update,
  wait: async () => (await import("./actions/change.ts")).wait,
  state: async () => (await import("./actions/look.ts")).state,
  list: async () => (await import("./actions/look.ts")).list,
  ps: async () => (await import("./actions/look.ts")).ps,
  stats: async () => (await import("./actions/stats.ts")).stats,
  top: async () => (await import("./actions/top.ts")).top,
  logs: async () => (await import("./actions/logs.ts")).logs,
  events: async () => (await import("./actions/look.ts")).events,
  inspect: async () => (await import("./actions/look.ts")).inspect,
  ns: async () => (await import("./actions/look.ts")).ns,
  "volume list": async () => (await import("./actions/volumes.ts")).list,
  "volume inspect": async () => (await import("./actions/volumes.ts")).inspect,
  "volume rm": async () => (await import("./actions/volumes.ts")).remove,
  "volume prune": async () => (await import("./actions/volumes.ts")).prune,
  "network list": async () => (await import("./actions/networks.ts")).list,
  "network inspect": async () => (await import("./actions/networks.ts")).inspect,
  "network check": async () => (await import("./actions/networks.ts")).check,
  port: async () => (await import("./actions/networks.ts")).port,
  doctor: async () => (await import("./actions/tend.ts")).doctor,
  verify: async () => (await import("./actions/tend.ts")).verify,
  completion: async () => (await import("./actions/completion.ts")).completion,
  help: async () => (await import("./actions/help.ts")).help,
};
