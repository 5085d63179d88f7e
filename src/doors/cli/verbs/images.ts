// The verbs for images: image build, and those for the store: image list, pull, inspect, rm, prune, du.

import { type ArgumentSpec, FILE, formatOption, type Verb } from "../grammar.ts";
import { CONFIGMAP } from "./making.ts";

const NAMES: ArgumentSpec = { name: "NAME", kind: "text", required: true, many: true };
const WHAT =
  "An image is pulled by the first pod that names it, or by peapod image pull, and stays until it is removed. " +
  "See docs/images.md.";

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
  {
    name: "image list",
    aliases: ["image ls"],
    summary: "list the images that are here",
    about: WHAT,
    args: [],
    options: [
      { long: "quiet", short: "q", kind: "flag", summary: "digests only" },
      formatOption(["table", "json"], "table"),
    ],
    takesCommand: false,
    examples: [
      { line: "peapod image list", tells: "with the pods that use them" },
      { line: "peapod image ls -q", tells: "their digests, one a line" },
    ],
  },
  {
    name: "image pull",
    aliases: [],
    summary: "pull images, so that pods need not",
    about:
      "Pulls what a manifest's image may name: NAME is one in a registry, or oci:PATH[:TAG], oci-archive:, docker-archive:, " +
      "dir:, docker-daemon: or containers-storage:. What has not changed there is not copied again. Prints the image's digest. " +
      "Credentials, mirrors and policies are skopeo's, as podman has them.",
    args: [NAMES],
    options: [],
    takesCommand: false,
    examples: [
      { line: "peapod image pull docker.io/library/nginx:1.27", tells: "of a registry" },
      { line: "peapod image pull oci:./layout:1.0", tells: "of an OCI layout" },
    ],
  },
  {
    name: "image inspect",
    aliases: [],
    summary: "print all that is known of images",
    about: "A JSON array: names, digests, configuration, layers, where the files lie, and which pods use it.",
    args: [NAMES],
    options: [],
    takesCommand: false,
    examples: [
      { line: "peapod image inspect docker.io/library/nginx:1.27", tells: "by name" },
      { line: "peapod image inspect 4b7c | jq .[].config.labels", tells: "by digits of its digest" },
    ],
  },
  {
    name: "image rm",
    aliases: [],
    summary: "remove images",
    about:
      "Of an image with several names the one that is given; else the image, with what no other is made of. One that a " +
      "pod uses, running or not, is not removed, but with --force, which deletes those pods first. NAME is a name, or " +
      "digits of a digest. Prints what was removed.",
    args: [NAMES],
    options: [{ long: "force", short: "f", kind: "flag", summary: "delete the pods that use it" }],
    takesCommand: false,
    examples: [
      { line: "peapod image rm docker.io/library/nginx:1.27", tells: "one" },
      { line: "peapod image rm --force 4b7c", tells: "with the pods that use it" },
    ],
  },
  {
    name: "image prune",
    aliases: [],
    summary: "remove images that nobody needs",
    about:
      "Those without a name that no pod uses, and what interrupted pulls left; with --all those with names, too. " +
      "Prints the digests of those that it removed. It does not ask.",
    args: [],
    options: [{ long: "all", short: "a", kind: "flag", summary: "every image that no pod uses" }],
    takesCommand: false,
    examples: [
      { line: "peapod image prune", tells: "what has lost its name" },
      { line: "peapod image prune --all", tells: "all that no pod uses" },
    ],
  },
  {
    name: "image du",
    aliases: [],
    summary: "show what images take on the disk",
    about:
      "Their root file systems, and the layers as they were pulled, which spare pulling them again for other images.",
    args: [],
    options: [formatOption(["table", "json"], "table")],
    takesCommand: false,
    examples: [
      { line: "peapod image du", tells: "and how much peapod image prune --all would give back" },
      { line: "peapod image du --format json", tells: "in bytes" },
    ],
  },
];
