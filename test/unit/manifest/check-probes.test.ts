import t from "tap";
import { stringify } from "yaml";
import { checkAttendance, makeAttendanceRules } from "../../../src/manifest/check-probes.ts";
import { faultsOf } from "./a-pod.ts";

const exec = { command: ["true"] };

/** What is wrong with a container that has these fields, as `path: message`. */
function faults(fields: object, spec: object = {}): string[] {
  const text = stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { ...spec, containers: [{ name: "web", image: "rootfs:x", ...fields }] },
  });
  return faultsOf(text).map(({ path, message }) => `${path.replace("spec.containers[0].", "")}: ${message}`);
}

const RIGHT: readonly object[] = [
  { livenessProbe: { exec } },
  { livenessProbe: { httpGet: { port: 80 } } },
  { startupProbe: { tcpSocket: { port: 65535, host: "::1" }, failureThreshold: 30, periodSeconds: 0 } },
  { readinessProbe: { grpc: { port: 1, service: "a" }, successThreshold: 5 } },
  { livenessProbe: { exec, successThreshold: 1, terminationGracePeriodSeconds: 1 } },
  { ports: [{ containerPort: 80, name: "http" }], livenessProbe: { httpGet: { port: "http", host: "10.0.0.1" } } },
  { lifecycle: { postStart: { exec }, preStop: { sleep: { seconds: 30 } }, stopSignal: "SIGRTMIN+15" } },
  { lifecycle: {} },
  {
    ports: [
      { containerPort: 80, hostPort: 0, hostIP: "" },
      { containerPort: 80, protocol: "UDP" },
    ],
  },
];
for (const fields of RIGHT) {
  t.test(`${JSON.stringify(fields)} is right`, async (t) => {
    t.same(faults(fields), []);
  });
}

const one = "only one of them can be done";
const WRONG: readonly [object, string][] = [
  [{ livenessProbe: {} }, "livenessProbe: must say what to do: one of exec, httpGet, tcpSocket, grpc"],
  [{ lifecycle: { preStop: {} } }, "lifecycle.preStop: must say what to do: one of exec, httpGet, tcpSocket, sleep"],
  [
    { readinessProbe: { exec, tcpSocket: { port: 1 } } },
    `readinessProbe.tcpSocket: must not stand beside exec: ${one}`,
  ],
  [
    { livenessProbe: { exec, successThreshold: 2 } },
    "livenessProbe.successThreshold: must be 1: one success is enough for this probe",
  ],
  [
    { startupProbe: { exec, successThreshold: 2 } },
    "startupProbe.successThreshold: must be 1: one success is enough for this probe",
  ],
  [
    { readinessProbe: { exec, terminationGracePeriodSeconds: 5 } },
    "readinessProbe.terminationGracePeriodSeconds: must not be set for a readiness probe: it ends no container",
  ],
  [{ livenessProbe: { tcpSocket: { port: 0 } } }, "livenessProbe.tcpSocket.port: must be from 1 to 65535"],
  [{ livenessProbe: { httpGet: { port: 65536 } } }, "livenessProbe.httpGet.port: must be from 1 to 65535"],
  [
    { ports: [{ containerPort: 80, name: "http" }], livenessProbe: { httpGet: { port: "htp" } } },
    'livenessProbe.httpGet.port: no port of this container is called "htp"; did you mean "http"?',
  ],
  [
    { livenessProbe: { httpGet: { port: 80, host: "shop.example" } } },
    "livenessProbe.httpGet.host: must be an address or localhost: names are not looked up; a Host header says another name",
  ],
  [
    { lifecycle: { postStart: { sleep: { seconds: 31 } } } },
    "lifecycle.postStart.sleep.seconds: must not be more than terminationGracePeriodSeconds, 30",
  ],
  [
    { lifecycle: { stopSignal: "TERM" } },
    "lifecycle.stopSignal: must be the name of a signal, such as SIGTERM, SIGUSR1 or SIGRTMIN+3",
  ],
  [
    { lifecycle: { stopSignal: "SIGRTMIN+16" } },
    "lifecycle.stopSignal: must be the name of a signal, such as SIGTERM, SIGUSR1 or SIGRTMIN+3",
  ],
  [
    {
      ports: [
        { containerPort: 80, name: "a" },
        { containerPort: 81, name: "a" },
      ],
    },
    'ports[1].name: "a" is there twice',
  ],
  [{ ports: [{ containerPort: 80, hostPort: 80, hostIP: "home" }] }, "ports[0].hostIP: must be an address"],
];
for (const [fields, message] of WRONG) {
  t.test(`${JSON.stringify(fields)} is refused`, async (t) => {
    t.same(faults(fields), [message]);
  });
}

t.test("what the schema refuses has a sentence, too", async (t) => {
  for (const fields of [
    { livenessProbe: { exec: { command: [] } } },
    { livenessProbe: { exec: {} } },
    { livenessProbe: { exec, periodSeconds: -1 } },
    { livenessProbe: { exec, terminationGracePeriodSeconds: 0 } },
    { livenessProbe: { grpc: { port: "http" } } },
    { livenessProbe: { sleep: { seconds: 1 } } },
    { livenessProbe: { httpGet: { port: 80, scheme: "http" } } },
    { livenessProbe: { httpGet: { port: 80, path: "/a b" } } },
    { livenessProbe: { httpGet: { port: 80, httpHeaders: [{ name: "a b", value: "" }] } } },
    { livenessProbe: { httpGet: { port: 80, httpHeaders: [{ name: "a", value: "b\r\nc: d" }] } } },
    { lifecycle: { preStop: { grpc: { port: 80 } } } },
    { ports: [{ name: "UPPER", containerPort: 80 }] },
    { ports: [{ name: "123", containerPort: 80 }] },
    { ports: [{ name: "a--b", containerPort: 80 }] },
    { ports: [{ containerPort: 0 }] },
  ])
    t.equal(faults(fields).length > 0, true, JSON.stringify(fields));
});

t.test("with hostNetwork a port is the host's already", async (t) => {
  const spec = { hostNetwork: true };
  t.same(faults({ ports: [{ containerPort: 80, hostPort: 80, hostIP: "127.0.0.1" }] }, spec), []);
  t.same(faults({ ports: [{ containerPort: 80, hostPort: 81, hostIP: "here" }] }, spec), [
    "ports[0].hostPort: must be the same as containerPort, since hostNetwork is true",
    "ports[0].hostIP: must be an address",
  ]);
});

t.test("an init container that is no sidecar has ports at most", async (t) => {
  const found: string[] = [];
  const fields = { ports: [{ containerPort: 80 }], livenessProbe: { exec }, lifecycle: {} };
  const report = (pointer: string, message: string) => found.push(`${pointer}: ${message}`);
  checkAttendance(fields, "/i", makeAttendanceRules({}, false), report);
  const why = "must not be set for an init container, unless its restartPolicy is Always";
  t.same(found, [`/i/livenessProbe: ${why}`, `/i/lifecycle: ${why}`]);
});

t.test("values of any type are passed over", async (t) => {
  for (const value of [null, 1, "x", [], [null], { exec: 1, httpGet: [], sleep: null }]) {
    const fields = { livenessProbe: value, lifecycle: { preStop: value }, ports: value };
    t.doesNotThrow(() => checkAttendance(fields, "/c", makeAttendanceRules({}, true), () => undefined));
  }
});
