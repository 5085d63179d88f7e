// Somebody at a container's streams. An io that dies meanwhile is followed by another, and we with it.

import { setTimeout as sleep } from "node:timers/promises";
import { PeapodError } from "../base/errors.ts";
import type { PodName } from "../base/names.ts";
import { type AttachConnection, connectAttach } from "../io/attach-client.ts";
import type { Plan, PlannedContainer } from "../plan/plan.ts";
import type { Attachment, AttachRequest } from "./engine.ts";
import { chooseContainer } from "./exec-command.ts";
import { readPlan, readPodState } from "./looking/reader.ts";

/** How long an io that is being started again is waited for. */
const PATIENCE_MS = 10_000;
const LOOK_MS = 20;

/** @throws NOT_FOUND, WRONG_STATE, NOT_SUPPORTED, BAD_USAGE where the pod has several containers and none is named */
export async function attach(root: string, pod: PodName, request: AttachRequest): Promise<Attachment> {
  const plan = readPlan(root, pod);
  const state = readPodState(root, pod);
  const { name } = chooseContainer(pod, state.containers, request.container, ["created", "running"]);
  const container = plan.containers.find((one) => one.name === name) as PlannedContainer;
  assertOurs(plan, container);
  const isAlive = () => {
    const found = readPodState(root, pod).containers.find((one) => one.name === name);
    return found?.status === "created" || found?.status === "running";
  };
  const first = await reconnect(container, request, isAlive);
  if (first === undefined) throw new PeapodError("WRONG_STATE", `container ${name}: has ended meanwhile`);
  return follow(container, request, isAlive, first);
}

function assertOurs({ outer, containers }: Plan, { name }: PlannedContainer): void {
  if (outer === undefined || containers.length > 1) return;
  throw new PeapodError("NOT_SUPPORTED", `container ${name}: its streams are its caller's`, {
    hint: "attach with the caller's own command, such as docker attach",
  });
}

/** Undefined where the container has ended. @throws SUPERVISOR_GONE */
async function reconnect(
  { name, paths }: PlannedContainer,
  request: AttachRequest,
  isAlive: () => boolean,
): Promise<AttachConnection | undefined> {
  for (const deadline = Date.now() + PATIENCE_MS; ; ) {
    const wasAlive = isAlive();
    try {
      return await connectAttach(paths.attach, request);
    } catch (cause) {
      if (!wasAlive) return undefined;
      if (Date.now() > deadline) {
        throw new PeapodError("SUPERVISOR_GONE", `container ${name}: nobody serves its streams`, { cause });
      }
    }
    await sleep(LOOK_MS);
  }
}

function follow(
  container: PlannedContainer,
  request: AttachRequest,
  isAlive: () => boolean,
  first: AttachConnection,
): Attachment {
  let connection = first;
  let isClosed = false;
  let size: readonly [number, number] | undefined;
  let givesInput = false;
  const ended = (async () => {
    for (;;) {
      if ((await connection.over) === "ended" || isClosed) return;
      const next = await reconnect(container, request, isAlive);
      if (next === undefined || isClosed) return next?.close();
      connection = next;
      if (size !== undefined) next.resize(...size);
      if (givesInput) next.openInput();
    }
  })();
  return {
    container: container.name,
    hasTerminal: first.hello.hasTerminal,
    hasInput: first.hello.hasInput && (container.stdio?.stdin ?? false),
    ended,
    openInput() {
      givesInput = true;
      connection.openInput();
    },
    write: (bytes) => connection.write(bytes),
    endInput() {
      givesInput = false;
      connection.endInput();
    },
    resize(rows, columns) {
      size = [rows, columns];
      connection.resize(rows, columns);
    },
    close() {
      isClosed = true;
      connection.close();
    },
  };
}
