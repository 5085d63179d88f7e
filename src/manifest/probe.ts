// What is asked of a container while it lives, in Kubernetes' words: its probes, its hooks, the ports that they name.
// Defaults are filled in, and names of ports have become numbers.

export const PROBE_KINDS = ["startup", "liveness", "readiness"] as const;
export type ProbeKind = (typeof PROBE_KINDS)[number];
export const HOOK_KINDS = ["postStart", "preStop"] as const;
export type HookKind = (typeof HOOK_KINDS)[number];

export type Handler =
  | { readonly kind: "exec"; readonly command: readonly string[] }
  | {
      readonly kind: "httpGet";
      readonly scheme: "HTTP" | "HTTPS";
      /** A literal address, or `localhost`. */
      readonly host: string;
      readonly port: number;
      /** With its query; begins with `/`. */
      readonly path: string;
      readonly headers: readonly HttpHeader[];
    }
  | { readonly kind: "tcpSocket"; readonly host: string; readonly port: number }
  | { readonly kind: "grpc"; readonly port: number; readonly service: string }
  | { readonly kind: "sleep"; readonly seconds: number };

export interface HttpHeader {
  readonly name: string;
  readonly value: string;
}

export type ProbeHandler = Exclude<Handler, { kind: "sleep" }>;
export type HookHandler = Exclude<Handler, { kind: "grpc" }>;

export interface Probe {
  readonly handler: ProbeHandler;
  readonly initialDelaySeconds: number;
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
  /** Instead of the pod's own, where this probe's failure ends the container. */
  readonly terminationGracePeriodSeconds?: number;
}

export type Probes = Readonly<Partial<Record<ProbeKind, Probe>>>;
export type Hooks = Readonly<Partial<Record<HookKind, HookHandler>>>;

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol: "TCP" | "UDP" | "SCTP";
  /** Of the host, leading to this one. */
  readonly hostPort?: number;
  /** Absent: all addresses of the host. */
  readonly hostIP?: string;
}
