import t from "tap";
import { stringify } from "yaml";
import { parse } from "./a-pod.ts";

function containerWith(fields: object) {
  const container = { name: "web", image: "rootfs:x", ...fields };
  const text = stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [container] },
  });
  return parse(text).spec.containers[0];
}

t.test("a container without probes, hooks and ports has no fields for them", async (t) => {
  const made = containerWith({ lifecycle: {} });
  for (const field of ["probes", "hooks", "stopSignal", "ports"]) t.notOk(field in (made ?? {}), field);
});

t.test("defaults are Kubernetes' own, and named ports become numbers", async (t) => {
  const made = containerWith({
    ports: [
      { name: "http", containerPort: 8080 },
      { containerPort: 53, protocol: "UDP" },
    ],
    startupProbe: { tcpSocket: { port: "http" }, timeoutSeconds: 0, failureThreshold: 0 },
    livenessProbe: { httpGet: { port: "http" }, terminationGracePeriodSeconds: 5 },
    readinessProbe: {
      grpc: { port: 9000 },
      initialDelaySeconds: 1,
      periodSeconds: 2,
      timeoutSeconds: 3,
      successThreshold: 4,
      failureThreshold: 5,
    },
    lifecycle: {
      postStart: { exec: { command: ["a", "b"] } },
      preStop: {
        httpGet: { port: 1, path: "bye", scheme: "HTTPS", host: "::1", httpHeaders: [{ name: "X", value: "y" }] },
      },
      stopSignal: "SIGUSR1",
    },
  });
  const defaults = {
    initialDelaySeconds: 0,
    periodSeconds: 10,
    timeoutSeconds: 1,
    successThreshold: 1,
    failureThreshold: 3,
  };
  t.strictSame(made?.ports, [
    { name: "http", containerPort: 8080, protocol: "TCP" },
    { containerPort: 53, protocol: "UDP" },
  ]);
  t.strictSame(made?.probes, {
    startup: { handler: { kind: "tcpSocket", host: "localhost", port: 8080 }, ...defaults },
    liveness: {
      handler: { kind: "httpGet", scheme: "HTTP", host: "localhost", port: 8080, path: "/", headers: [] },
      ...defaults,
      terminationGracePeriodSeconds: 5,
    },
    readiness: {
      handler: { kind: "grpc", port: 9000, service: "" },
      ...{ initialDelaySeconds: 1, periodSeconds: 2, timeoutSeconds: 3, successThreshold: 4, failureThreshold: 5 },
    },
  });
  t.strictSame(made?.hooks, {
    postStart: { kind: "exec", command: ["a", "b"] },
    preStop: {
      kind: "httpGet",
      scheme: "HTTPS",
      host: "::1",
      port: 1,
      path: "/bye",
      headers: [{ name: "X", value: "y" }],
    },
  });
  t.equal(made?.stopSignal, "SIGUSR1");
  t.ok(Object.isFrozen(made?.probes?.liveness?.handler));
});
