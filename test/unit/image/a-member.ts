// Builders for the tests of pod images.

import type { MemberWish } from "../../../src/image/fill-member.ts";
import type { InspectedImage } from "../../../src/image/parse-inspect.ts";

export function aWish(more: Partial<MemberWish> = {}): MemberWish {
  return {
    name: "web",
    image: "nginx:1.27",
    command: undefined,
    args: undefined,
    env: [],
    workingDir: undefined,
    securityContext: { runAsUser: undefined, runAsGroup: undefined },
    place: "pod.yaml:7",
    ...more,
  };
}

export function anImage(more: Partial<InspectedImage> = {}): InspectedImage {
  return {
    entrypoint: ["/entry"],
    cmd: ["serve"],
    env: ["PATH=/bin"],
    workingDir: "/",
    user: "",
    exposedPorts: [],
    stopSignal: "",
    ...more,
  };
}
