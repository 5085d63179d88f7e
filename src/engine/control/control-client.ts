// The other end of the control socket. A supervisor may die while it is asked: the same request is asked again until it
// is answered, and a pod that has nobody above it gets a new reaper first.

import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import type { PodName } from "../../base/names.ts";
import { makePodPaths, type PodPaths } from "../../base/paths.ts";
import { makeUuid } from "../../base/unique.ts";
import { isReaperAlive, readReaperPid } from "../../exits/reaper.ts";
import { readProcess } from "../../host/processes.ts";
import { isReady } from "../../state/conditions.ts";
import type { PodState } from "../../state/pod-state.ts";
import type { PodClient, PodReader, WaitRequest } from "../engine.ts";
import type { Answer, Ask, Verb } from "./control-messages.ts";

/** How long broken connections are taken for a supervisor that is being started again. */
const PATIENCE_MS = 20_000;
/** How often a waiting caller looks whether the pod still has its reaper. */
const WATCH_MS = 1000;

export interface ClientNeeds {
  readonly root: string;
  readonly reader: PodReader;
  /** Gives a pod that lost its reaper a new one. */
  reviveReaper(): Promise<void>;
  /** Takes away what is left of a pod that cannot be revived (its plan is gone). */
  removeRuins(): Promise<void>;
}

export function makePodClient(pod: PodName, needs: ClientNeeds): PodClient {
  const paths = makePodPaths(needs.root, pod);
  const ask = (verb: Verb, body: Ask = {}) => askUntilAnswered(paths, verb, body, needs);
  const askForState = async (verb: Verb, body: Ask = {}): Promise<PodState> => {
    const state = await ask(verb, body);
    if (state === null) throw new PeapodError("NOT_FOUND", `pod ${pod}: was deleted meanwhile`);
    return state;
  };
  return {
    start: () => askForState("start"),
    stop: ({ graceMs }) => askForState("stop", graceMs === undefined ? {} : { graceMs }),
    kill: ({ signal, container, all }) =>
      askForState("kill", { signal, ...(container === undefined ? {} : { container }), ...(all ? { all } : {}) }),
    change: async ({ file, ...more }) => {
      const { readWritten } = await import("../../manifest/read-written.ts");
      return await askForState("update", { manifest: readWritten(file, more) });
    },
    restart: (more) => askForState("restart", more),
    pause: () => askForState("pause"),
    resume: () => askForState("resume"),
    checkpoint: (more) => askForState("checkpoint", more),
    restore: (more) => askForState("restore", more),
    update: ({ containers, resources }) =>
      askForState("update", { resources, ...(containers.length === 0 ? {} : { containers }) }),
    delete: async ({ force }) => {
      const reaperPid = readReaperPid(paths.dir);
      if (existsSync(paths.dir) && !existsSync(paths.plan) && !isReaperAlive(paths.dir)) await needs.removeRuins();
      else await ask("delete", { force: force ?? false });
      if (reaperPid !== undefined) await reaperIsGone(reaperPid);
    },
    wait: (more) => watchedOver(paths, needs, waitForState(pod, needs.reader, more)),
  };
}

/** While somebody waits for an exit there must be somebody who sees it. */
async function watchedOver<T>(paths: PodPaths, needs: ClientNeeds, waiting: Promise<T>): Promise<T> {
  const look = () => {
    if (existsSync(paths.plan) && !isReaperAlive(paths.dir)) needs.reviveReaper().catch(() => undefined);
  };
  const timer = setInterval(look, WATCH_MS);
  look();
  return waiting.finally(() => clearInterval(timer));
}

/**
 * Follows the journal, so that waiting keeps nobody awake.
 * @throws NOT_FOUND for a container that is not the pod's, WRONG_STATE where it ends before it is what is waited for,
 * TIMED_OUT where the signal comes before
 */
async function waitForState(pod: PodName, reader: PodReader, more: WaitRequest): Promise<PodState> {
  const { containers, until = "exited", signal } = more;
  let state = await reader.state(pod);
  for (const name of containers ?? []) {
    if (state.containers.some((container) => container.name === name)) continue;
    throw new PeapodError("NOT_FOUND", `pod ${pod}: has no container ${name}`);
  }
  const isDone = () => {
    if (containers !== undefined)
      return state.containers.every((one) => !containers.includes(one.name) || one.exit !== undefined);
    if (until === "ready" && isReady(state)) return true;
    if (until === "initialized" && state.initializedAt !== undefined) return true;
    const isOver = state.exitedAt !== undefined && state.want !== "restarted";
    if (until !== "exited" && (isOver || state.deletedAt !== undefined))
      throw new PeapodError("WRONG_STATE", `pod ${pod}: ended before it was ${until}`);
    return isOver;
  };
  if (isDone()) return state;
  // What came before is known: an end that a restart has followed is none.
  for await (const next of reader.states(pod, { since: state.cursor, signal })) {
    state = next;
    if (isDone()) return state;
  }
  if (!signal?.aborted) return state;
  const late = state.containers.find(({ name, exit }) => containers?.includes(name) && exit === undefined);
  throw new PeapodError("TIMED_OUT", `${late ? `container ${late.name}` : `pod ${pod}`}: is not ${until} yet`);
}

async function askUntilAnswered(paths: PodPaths, verb: Verb, body: Ask, needs: ClientNeeds): Promise<PodState | null> {
  const request = makeUuid();
  let deadline = Date.now() + PATIENCE_MS;
  for (let attempt = 1; ; attempt += 1) {
    if (!existsSync(paths.dir)) {
      if (verb === "delete" && attempt > 1) return null;
      throw new PeapodError("NOT_FOUND", `pod ${paths.pod}: does not exist`, {
        hint: "peapod list shows what there is",
      });
    }
    const askedAt = Date.now();
    try {
      const answer = await post(paths.socket, `/v1/pod/${verb}`, { ...body, request });
      if ("error" in answer) throw PeapodError.fromJson(answer.error);
      return answer.state;
    } catch (error) {
      if (error instanceof PeapodError) throw error;
      // It was being worked on: whoever takes over has as long again to come up.
      if (Date.now() - askedAt > WATCH_MS) deadline = Date.now() + PATIENCE_MS;
      if (Date.now() > deadline) {
        throw new PeapodError(
          "SUPERVISOR_GONE",
          `pod ${paths.pod}: its supervisor does not answer (${errnoOf(error)})`,
          {
            cause: error,
            hint: `see ${paths.supervisorLog}, and peapod doctor`,
          },
        );
      }
      if (!isReaperAlive(paths.dir)) {
        if (existsSync(paths.plan)) await needs.reviveReaper();
        else if (verb === "delete" && existsSync(paths.dir)) await needs.removeRuins();
      }
      await sleep(Math.min(5 * attempt, 100));
    }
  }
}

/** One request. Rejects with a Node system error where the connection breaks or is not to be had. */
async function post(socketPath: string, path: string, body: Ask & { request: string }): Promise<Answer> {
  const { request } = await import("node:http");
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const call = request(
      {
        socketPath,
        path,
        method: "POST",
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(text) },
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          try {
            resolve(JSON.parse(Buffer.concat(chunks).toString("utf8")) as Answer);
          } catch (error) {
            reject(error);
          }
        });
      },
    );
    call.on("error", reject);
    call.end(text);
  });
}

/** "Nothing left" includes the reaper, which ends right after the supervisor. Looks a few times, waits for ever never. */
async function reaperIsGone(pid: number): Promise<void> {
  const startTime = readProcess(pid)?.startTime;
  for (let look = 0; look < 1000; look += 1) {
    const found = readProcess(pid);
    if (found === undefined || found.startTime !== startTime || found.state === "Z") return;
    await sleep(1);
  }
}
