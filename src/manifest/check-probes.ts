// What a schema cannot say of a container's probes, hooks and ports. Takes any value, as checkPod does; init containers
// that are no sidecars have neither probes nor hooks.

import { isIP } from "node:net";
import { nearestName } from "../base/nearest.ts";
import type { Report } from "./check-pod.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface AttendanceRules {
  /** False for an init container whose restartPolicy is not Always. */
  readonly allowed: boolean;
  readonly hostNetwork: boolean;
  readonly graceSeconds: number;
}

const PROBES = ["startupProbe", "livenessProbe", "readinessProbe"];
const PROBE_HANDLERS = ["exec", "httpGet", "tcpSocket", "grpc"];
const HOOKS = ["postStart", "preStop"];
const HOOK_HANDLERS = ["exec", "httpGet", "tcpSocket", "sleep"];
const MAX_PORT = 65535;

/** The pod's rules for one container, as its spec says them. */
export function makeAttendanceRules(spec: Fields, allowed: boolean): AttendanceRules {
  const grace = spec.terminationGracePeriodSeconds;
  return { allowed, hostNetwork: spec.hostNetwork === true, graceSeconds: typeof grace === "number" ? grace : 30 };
}

/** `pointer` is the container's own. */
export function checkAttendance(container: Fields, pointer: string, rules: AttendanceRules, report: Report): void {
  const names = checkPorts(container.ports, `${pointer}/ports`, rules, report);
  const check = (holder: Fields, field: string, at: string, handlers: readonly string[]): void => {
    const value = holder[field];
    if (!isFields(value)) return;
    checkHandler(value, `${at}/${field}`, handlers, names, rules, report);
  };
  if (!rules.allowed) {
    for (const field of [...PROBES, "lifecycle"])
      if (container[field] !== undefined)
        report(`${pointer}/${field}`, "must not be set for an init container, unless its restartPolicy is Always");
    return;
  }
  for (const field of PROBES) {
    check(container, field, pointer, PROBE_HANDLERS);
    checkThresholds(container[field], field === "readinessProbe", `${pointer}/${field}`, report);
  }
  const { lifecycle } = container;
  if (isFields(lifecycle)) for (const field of HOOKS) check(lifecycle, field, `${pointer}/lifecycle`, HOOK_HANDLERS);
}

function checkHandler(
  holder: Fields,
  pointer: string,
  known: readonly string[],
  names: ReadonlySet<string>,
  { graceSeconds }: AttendanceRules,
  report: Report,
): void {
  const given = known.filter((name) => holder[name] !== undefined);
  const [first, second] = given;
  if (first === undefined) report(pointer, `must say what to do: one of ${known.join(", ")}`);
  if (second !== undefined)
    report(`${pointer}/${second}`, `must not stand beside ${first}: only one of them can be done`);
  for (const name of ["httpGet", "tcpSocket"]) {
    const action = holder[name];
    if (!isFields(action) || !known.includes(name)) continue;
    checkHost(action.host, `${pointer}/${name}/host`, report);
    checkPort(action.port, `${pointer}/${name}/port`, names, report);
  }
  const seconds = isFields(holder.sleep) ? holder.sleep.seconds : undefined;
  if (typeof seconds === "number" && seconds > graceSeconds && known.includes("sleep"))
    report(`${pointer}/sleep/seconds`, `must not be more than terminationGracePeriodSeconds, ${graceSeconds}`);
}

function checkThresholds(probe: unknown, isReadiness: boolean, pointer: string, report: Report): void {
  if (!isFields(probe)) return;
  const { successThreshold, terminationGracePeriodSeconds } = probe;
  if (!isReadiness && typeof successThreshold === "number" && successThreshold > 1)
    report(`${pointer}/successThreshold`, "must be 1: one success is enough for this probe");
  if (isReadiness && terminationGracePeriodSeconds !== undefined)
    report(`${pointer}/terminationGracePeriodSeconds`, "must not be set for a readiness probe: it ends no container");
}

function checkHost(host: unknown, pointer: string, report: Report): void {
  if (typeof host !== "string" || host === "" || host === "localhost" || isIP(host) !== 0) return;
  report(pointer, "must be an address or localhost: names are not looked up; a Host header says another name");
}

function checkPort(port: unknown, pointer: string, names: ReadonlySet<string>, report: Report): void {
  if (typeof port === "number") {
    if (Number.isInteger(port) && (port < 1 || port > MAX_PORT)) report(pointer, `must be from 1 to ${MAX_PORT}`);
    return;
  }
  if (typeof port !== "string" || names.has(port)) return;
  const nearest = nearestName(port, [...names]);
  const meant = nearest === undefined ? "" : `; did you mean ${JSON.stringify(nearest)}?`;
  report(pointer, `no port of this container is called ${JSON.stringify(port.slice(0, 40))}${meant}`);
}

/** The names that probes and hooks may use. */
function checkPorts(
  ports: unknown,
  pointer: string,
  { hostNetwork }: AttendanceRules,
  report: Report,
): ReadonlySet<string> {
  const names = new Set<string>();
  (Array.isArray(ports) ? ports : []).forEach((port: unknown, index) => {
    if (!isFields(port)) return;
    const at = `${pointer}/${index}`;
    const { name, containerPort, hostPort, hostIP } = port;
    if (typeof name === "string") {
      if (names.has(name)) report(`${at}/name`, `${JSON.stringify(name.slice(0, 40))} is there twice`);
      names.add(name);
    }
    if (hostNetwork && hostPort !== undefined && hostPort !== 0 && hostPort !== containerPort)
      report(`${at}/hostPort`, "must be the same as containerPort, since hostNetwork is true");
    if (typeof hostIP === "string" && hostIP !== "" && isIP(hostIP) === 0) report(`${at}/hostIP`, "must be an address");
  });
  return names;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
