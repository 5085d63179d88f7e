// A whole manifest that uses every field there is, and a way to hear the faults of a text.

import { PeapodError } from "../../../src/base/errors.ts";
import { formatFaults } from "../../../src/manifest/faults.ts";
import type { Fault, Manifest } from "../../../src/manifest/manifest.ts";
import { parseManifest } from "../../../src/manifest/read-manifest.ts";

export const WHOLE_POD = `apiVersion: v1
kind: Pod
metadata:
  name: web.example
  namespace: shop
  creationTimestamp: null
  labels: {app.kubernetes.io/name: web, tier: ""}
  annotations:
    note: any text
    peapod/share: net,ipc
    peapod/timeOffsets: monotonic=60
    peapod/namespaces.web: pid=host
spec:
  hostname: shop
  hostNetwork: true
  hostIPC: true
  shareProcessNamespace: true
  restartPolicy: Never
  terminationGracePeriodSeconds: 3
  volumes:
    - name: data
      emptyDir: {}
    - name: fast
      emptyDir: {medium: Memory, sizeLimit: 16Mi}
    - name: etc
      hostPath: {path: /etc//web/, type: DirectoryOrCreate}
  containers:
    - name: web
      image: rootfs:./site
      command: [/bin/httpd]
      args: ["-f"]
      env:
        - {name: PORT, value: "8080"}
        - name: EMPTY
      workingDir: /srv
      volumeMounts:
        - {name: data, mountPath: /data//, readOnly: true}
        - {name: etc, mountPath: /etc/web}
      resources:
        limits: {cpu: 500m, memory: 64Mi}
        requests: {cpu: 0.25}
      securityContext:
        runAsUser: 1000
        runAsGroup: 1001
        capabilities: {add: [NET_ADMIN], drop: [ALL]}
        readOnlyRootFilesystem: true
        privileged: true
    - name: side
      image: rootfs:/images/../images/side
      command: []
      resources: {limits: {cpu: 2}}
status: {}
`;

export function parse(text: string): Manifest {
  return parseManifest(text, { file: "pod.yaml", baseDir: "/base" });
}

/** The faults of a text; none where it parses. Anything but a BAD_MANIFEST is thrown on. */
export function faultsOf(text: string): readonly Fault[] {
  try {
    parse(text);
    return [];
  } catch (error) {
    if (!(error instanceof PeapodError) || error.code !== "BAD_MANIFEST") throw error;
    return error.detail as Fault[];
  }
}

export function faultLinesOf(text: string): string[] {
  const faults = faultsOf(text);
  return faults.length === 0 ? [] : formatFaults(faults).split("\n");
}

/** The whole pod with one piece of its text replaced; the piece must be there. */
export function podWith(piece: string, other: string): string {
  if (!WHOLE_POD.includes(piece)) throw new Error(`no such piece: ${piece}`);
  return WHOLE_POD.replace(piece, () => other);
}
