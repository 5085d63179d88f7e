// What images cost: a pod of three of an image of ten layers that is here, up and down, beside the same of a directory and
// beside podman's; and how long the first pull takes until it could run. `bench --images`.

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { makeImage } from "../test/support/image-layout.ts";
import { Registry } from "../test/support/registry.ts";
import { busyboxRootfs } from "../test/support/rootfs.ts";
import { CONTAINERS, makePodmanCalls, run } from "./bench-contenders.ts";
import { printColumns } from "./bench-print.ts";

const LAYERS = 10;
const FILES = 300;
const FILE_BYTES = 24 * 1024;
const PEAPOD = fileURLToPath(new URL("../dist/bin/peapod", import.meta.url));
/** As PID 1 it would heed no SIGTERM; all are killed. */
const COMMAND = ["/bin/sleep", "1000"];

interface Work {
  readonly name: string;
  readonly steps: readonly (() => void)[];
  /** Not measured. */
  readonly after?: () => void;
}

export async function benchImages(runs: number): Promise<void> {
  // On a disk, as a store is; in lower case, which podman makes an image's name of.
  const place = `/var/tmp/pb-${process.pid}`;
  mkdirSync(place, { mode: 0o700 });
  const registry = await Registry.start(place);
  try {
    const layout = makeTenLayers(place);
    const name = registry.push(layout, "ten", "ten:1");
    await benchPods(place, name, runs);
    await benchPulls(place, name, layout, Math.max(3, Math.ceil(runs / 3)));
  } finally {
    await registry.stop();
    rmSync(place, { recursive: true, force: true });
  }
}

/** busybox, and nine layers of files that compress as files do. */
function makeTenLayers(place: string): string {
  const trees = [busyboxRootfs()];
  for (let layer = 1; layer < LAYERS; layer += 1) {
    const tree = join(place, `tree-${layer}`);
    mkdirSync(join(tree, `srv/${layer}`), { recursive: true });
    for (let file = 0; file < FILES; file += 1)
      writeFileSync(join(tree, `srv/${layer}/${file}`), makeBytes(layer * FILES + file));
    trees.push(tree);
  }
  const layout = join(place, "layout");
  makeImage(layout, { tag: "ten", trees, config: COMMAND.flatMap((word) => ["--config.cmd", word]) });
  return layout;
}

function makeBytes(seed: number): string {
  let value = seed + 1;
  let text = "";
  while (text.length < FILE_BYTES) {
    value = (Math.imul(value, 1_103_515_245) + 12_345) >>> 0;
    text += value.toString(16);
  }
  return text;
}

async function benchPods(place: string, image: string, runs: number): Promise<void> {
  const peapod = (words: string, name: string): Work => {
    const file = join(place, `${name}.yaml`);
    const containers = CONTAINERS.map((one) => ({ name: one, image: words, command: COMMAND }));
    const spec = { restartPolicy: "Never", containers };
    writeFileSync(file, stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec }));
    const env = { PEAPOD_ROOT: join(place, "peapod") };
    return {
      name: `peapod, ${name}`,
      steps: [() => run(PEAPOD, ["run", "-d", file], env), () => run(PEAPOD, ["delete", "--force", name], env)],
    };
  };
  const podman = makePodmanCalls(place);
  podman?.must("pull", "--tls-verify=false", image);
  const infra = ["--infra-image", image, "--infra-command", COMMAND.join(" ")];
  const works = [
    peapod(image, "ten-layers"),
    peapod(`rootfs:${busyboxRootfs()}`, "directory"),
    ...(podman === undefined
      ? []
      : [
          {
            name: "podman, ten layers",
            steps: [
              () => {
                podman.must(
                  "pod",
                  "create",
                  "--name",
                  "bench",
                  "--share",
                  "net,ipc,uts",
                  "--network",
                  "none",
                  ...infra,
                );
                for (const id of CONTAINERS) podman.must("create", "--pod", "bench", "--name", id, image, ...COMMAND);
                podman.must("pod", "start", "bench");
              },
              () => podman.must("pod", "rm", "-f", "-t", "0", "bench"),
            ],
          },
        ]),
  ];
  printTimes(
    `pods of three whose image is here, medians of ${runs}, in milliseconds`,
    ["up", "down"],
    measure(works, runs),
  );
  podman?.end();
}

async function benchPulls(place: string, image: string, layout: string, runs: number): Promise<void> {
  const sources: readonly [string, string, readonly string[]][] = [
    ["a registry", image, ["--tls-verify=false", image]],
    ["an OCI layout", `oci:${layout}:ten`, [`oci:${layout}:ten`]],
  ];
  for (const [index, [from, ours, theirs]] of sources.entries()) {
    const root = join(place, "fresh");
    // Short: podman takes no more than 50 characters.
    const podman = makePodmanCalls(join(place, `p${index}`));
    const works: Work[] = [
      {
        name: "peapod image pull",
        steps: [() => run(PEAPOD, ["image", "pull", ours], { PEAPOD_ROOT: root })],
        after: () => rmSync(root, { recursive: true, force: true }),
      },
      ...(podman === undefined
        ? []
        : [
            {
              name: "podman pull",
              steps: [() => podman.must("pull", ...theirs)],
              after: () => podman.must("rmi", "-a", "-f"),
            },
          ]),
    ];
    try {
      printTimes(
        `the first pull of it from ${from}, medians of ${runs}, in milliseconds`,
        ["pull"],
        measure(works, runs),
      );
    } finally {
      podman?.end();
    }
  }
  const size = execFileSync("du", ["-sh", layout], { encoding: "utf8" }).split("\t")[0];
  process.stdout.write(`\nthe image: ${LAYERS} layers, ${(LAYERS - 1) * FILES} files, ${size} compressed\n`);
}

/** Medians of each step; the first round, which fills caches, is not counted. */
function measure(works: readonly Work[], runs: number): { name: string; ms: number[] }[] {
  const times = works.map(({ steps }) => steps.map(() => [] as number[]));
  for (let round = 0; round <= runs; round += 1) {
    works.forEach(({ steps, after }, index) => {
      steps.forEach((step, at) => {
        const start = process.hrtime.bigint();
        step();
        if (round > 0) times[index]?.[at]?.push(Number(process.hrtime.bigint() - start) / 1e6);
      });
      after?.();
    });
  }
  return works.map(({ name }, index) => ({ name, ms: (times[index] ?? []).map(median) }));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return (low + high) / 2;
}

function printTimes(title: string, steps: readonly string[], rows: readonly { name: string; ms: number[] }[]): void {
  process.stdout.write(`\n${title}\n\n`);
  const own = rows[0]?.ms ?? [];
  printColumns([
    ["", ...steps, ...steps.map((step) => `peapod's ${step}`)],
    ...rows.map(({ name, ms }, index) => [
      name,
      ...ms.map((one) => one.toFixed(0)),
      ...ms.map((one, at) => (index === 0 ? "" : `${((own[at] ?? 0) / one).toFixed(2)} x`)),
    ]),
  ]);
}
