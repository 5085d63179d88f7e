// Probes, hooks and ports of one container without faults, as checked data. What is not written stays absent, so that a
// container without them is what it always was.

import { PeapodError } from "../base/errors.ts";
import type { Hook, Container as WrittenContainer, Probe as WrittenProbe } from "../generated/pod.ts";
import type { ContainerPort, Handler, HookHandler, Hooks, Probe, ProbeHandler, Probes } from "./probe.ts";
import { HOOK_KINDS, PROBE_KINDS } from "./probe.ts";

/** Also Kubernetes' for a number that is written as 0. */
const DEFAULTS = { periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 };

export interface Attendance {
  readonly probes?: Probes;
  readonly hooks?: Hooks;
  readonly stopSignal?: string;
  readonly ports?: readonly ContainerPort[];
}

type Ports = ReadonlyMap<string, number>;

/** `written` has passed the schema and checkAttendance; what does not fit here is a BUG. */
export function makeAttendance(written: WrittenContainer): Attendance {
  const ports = (written.ports ?? []).map(makePort);
  const byName = new Map(
    ports.flatMap(({ name, containerPort }) => (name === undefined ? [] : [[name, containerPort]])),
  );
  const probes = PROBE_KINDS.flatMap((kind) => {
    const probe = written[`${kind}Probe`];
    return probe === undefined ? [] : [[kind, makeProbe(probe, byName)] as const];
  });
  const hooks = HOOK_KINDS.flatMap((kind) => {
    const hook = written.lifecycle?.[kind];
    return hook === undefined ? [] : [[kind, makeHandler(hook, byName) as HookHandler] as const];
  });
  const stopSignal = written.lifecycle?.stopSignal;
  return {
    ...(probes.length === 0 ? {} : { probes: Object.fromEntries(probes) }),
    ...(hooks.length === 0 ? {} : { hooks: Object.fromEntries(hooks) }),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(ports.length === 0 ? {} : { ports }),
  };
}

function makeProbe(written: WrittenProbe, ports: Ports): Probe {
  const grace = written.terminationGracePeriodSeconds;
  return {
    handler: makeHandler(written, ports) as ProbeHandler,
    initialDelaySeconds: written.initialDelaySeconds ?? 0,
    periodSeconds: written.periodSeconds || DEFAULTS.periodSeconds,
    timeoutSeconds: written.timeoutSeconds || DEFAULTS.timeoutSeconds,
    successThreshold: written.successThreshold || DEFAULTS.successThreshold,
    failureThreshold: written.failureThreshold || DEFAULTS.failureThreshold,
    ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
  };
}

function makeHandler(written: Hook & WrittenProbe, ports: Ports): Handler {
  const { exec, httpGet, tcpSocket, grpc, sleep } = written;
  if (exec !== undefined) return { kind: "exec", command: [...exec.command] };
  if (tcpSocket !== undefined)
    return { kind: "tcpSocket", host: makeHost(tcpSocket.host), port: makeNumber(tcpSocket.port, ports) };
  if (grpc !== undefined) return { kind: "grpc", port: grpc.port, service: grpc.service ?? "" };
  if (sleep !== undefined) return { kind: "sleep", seconds: sleep.seconds };
  if (httpGet === undefined) throw new PeapodError("BUG", "handler: was not checked");
  const path = httpGet.path ?? "";
  return {
    kind: "httpGet",
    scheme: httpGet.scheme ?? "HTTP",
    host: makeHost(httpGet.host),
    port: makeNumber(httpGet.port, ports),
    path: path.startsWith("/") ? path : `/${path}`,
    headers: (httpGet.httpHeaders ?? []).map(({ name, value }) => ({ name, value })),
  };
}

function makeHost(written: string | undefined): string {
  return written === undefined || written === "" ? "localhost" : written;
}

function makeNumber(written: number | string, ports: Ports): number {
  const found = typeof written === "number" ? written : ports.get(written);
  if (found === undefined) throw new PeapodError("BUG", `port ${written}: was not checked`);
  return found;
}

/** Kubernetes takes 0 and an empty text for none. */
function makePort(written: NonNullable<WrittenContainer["ports"]>[number]): ContainerPort {
  const { name, containerPort, protocol, hostPort, hostIP } = written;
  return {
    ...(name === undefined ? {} : { name }),
    containerPort,
    protocol: protocol ?? "TCP",
    ...(hostPort ? { hostPort } : {}),
    ...(hostIP ? { hostIP } : {}),
  };
}
