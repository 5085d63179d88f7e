// The verbs for images: image build.

import { FILE, type Verb } from "../grammar.ts";
import { CONFIGMAP } from "./making.ts";

export const IMAGES: readonly Verb[] = [
  {
    name: "image build",
    aliases: [],
    summary: "make one image out of a pod",
    about:
      "Makes an OCI image that holds the manifest and the root file system of each container, so that docker, podman " +
      "or Swarm with peapod-oci as their runtime run the whole pod as one container. Here a container's image is an ordinary " +
      "one (nginx:1.27), pulled where it is not there yet, or rootfs: and a directory. What the images say of " +
      "their command, environment, working directory and user is written into the manifest. An installed builder does " +
      "the work, with its own images, logins and environment (DOCKER_HOST); unless told, the first that is there of " +
      "podman, docker, buildah. FILE is a Kubernetes v1 Pod in YAML or JSON; - reads it from standard input. Prints the " +
      "image's name. See docs/pod-image.md.",
    args: [FILE],
    options: [
      { long: "tag", short: "t", kind: "text", value: "NAME", summary: "name of the new image; must be given" },
      CONFIGMAP,
      {
        long: "builder",
        kind: "text",
        value: "PROGRAM",
        env: "PEAPOD_BUILDER",
        summary: "podman, docker, buildah, or the path of one of them",
      },
    ],
    takesCommand: false,
    examples: [
      { line: "peapod image build pod.yaml -t shop", tells: "then: docker run --runtime peapod shop" },
      { line: "peapod image build --builder docker -t registry:5000/shop:2 pod.yaml", tells: "then: docker push" },
    ],
  },
];
