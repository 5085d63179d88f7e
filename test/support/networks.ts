// Networks of one test's own: configuration lists in a directory of its own, with a bridge and addresses that nobody else
// has; stand-in plugins; and what is on the machine of addresses, rules and links, to be counted before and after.

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listIfAny, readIfAny } from "./if-any.ts";
import { type PeapodHost, type Test, testWithPeapod } from "./peapod-host.ts";

export const PLUGINS = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"].find((dir) =>
  existsSync(join(dir, "bridge")),
);
/** Why tests with real plugins cannot be run. */
export const LACKS_PLUGINS = PLUGINS === undefined ? "containernetworking-plugins are not installed" : false;

export interface OwnNetworks {
  /** NETCONFPATH and CNI_PATH, for PEAPOD's environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly dir: string;
  /** Writes `<file>` there. */
  list(file: string, content: object | string): void;
  /** A plugin of a few lines of sh; `$CNI_COMMAND` and the like are as the specification has them. */
  plugin(name: string, script: string): void;
  /** What stand-ins told by `tell WORDS`, in order. */
  told(): readonly string[];
  /** Makes a file in `dir` that stand-ins look for, or takes it away. */
  mark(name: string): void;
  unmark(name: string): void;
  /** A bridge plugin's configuration, of this test's own bridge and addresses. */
  bridge(more?: object): object;
}

let count = 0;

export function ownNetworks(): OwnNetworks {
  const dir = mkdtempSync(join(tmpdir(), "ptn-"));
  count += 1;
  // Of 10.224.0.0/11, one for each of many at once.
  const number = (process.pid * 7 + count) % 4096;
  const subnet = `10.${224 + (number >> 8)}.${number & 255}.0/24`;
  const subnet6 = `fd50:7465:7374:${number.toString(16)}::/64`;
  process.once("exit", () => {
    removeBridge(bridgeOf(number));
    rmSync(dir, { recursive: true, force: true });
  });
  const confDir = join(dir, "net.d");
  const plugins = join(dir, "plugins");
  for (const one of [confDir, plugins]) mkdirSync(one, { recursive: true });
  const telling = join(dir, "told");
  return {
    dir,
    env: {
      PEAPOD_NETWORK: "",
      NETCONFPATH: confDir,
      CNI_PATH: [plugins, ...(PLUGINS === undefined ? [] : [PLUGINS])].join(":"),
    },
    list: (file, content) =>
      writeFileSync(join(confDir, file), typeof content === "string" ? content : JSON.stringify(content, null, 2)),
    plugin: (name, script) => {
      const path = join(plugins, name);
      const head = `#!/bin/sh\nconfig=$(cat)\ntell() { echo "$@" >> ${telling}; }\n`;
      writeFileSync(path, head + script);
      chmodSync(path, 0o755);
    },
    told: () => readIfAny(telling).split("\n").filter(Boolean),
    mark: (name) => writeFileSync(join(dir, name), ""),
    unmark: (name) => rmSync(join(dir, name), { force: true }),
    bridge: (more = {}) => ({
      type: "bridge",
      bridge: bridgeOf(number),
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      capabilities: { ips: true, mac: true },
      ipam: {
        type: "host-local",
        dataDir: join(dir, "addresses"),
        ranges: [[{ subnet }], [{ subnet: subnet6 }]],
        routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
      },
      ...more,
    }),
  };
}

function bridgeOf(number: number): string {
  return `ptbr${number}`;
}

/** It stays when its last pod goes, as the plugin has it. */
function removeBridge(name: string): void {
  if (existsSync(`/sys/class/net/${name}`)) execFileSync("ip", ["link", "delete", name], { stdio: "ignore" });
}

/** Addresses that host-local has given away. */
export function readAddresses(networks: OwnNetworks): readonly string[] {
  const dir = join(networks.dir, "addresses");
  return listIfAny(dir)
    .flatMap((one) => listIfAny(one))
    .map((path) => path.slice(path.lastIndexOf("/") + 1))
    .filter((name) => /^[\d.]+$|:/.test(name) && !name.startsWith("last_reserved"));
}

/** All rules of both families that bear one of these words. */
export function readRules(...words: readonly string[]): readonly string[] {
  return ["iptables-save", "ip6tables-save"].flatMap((program) =>
    execFileSync(program, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .split("\n")
      .filter((line) => words.some((word) => line.includes(word))),
  );
}

/** A test with a peapod whose networks are its own. */
export function testWithNetworks(
  sentence: string,
  body: (t: Test, host: PeapodHost, networks: OwnNetworks) => Promise<void>,
  options: {
    readonly env?: NodeJS.ProcessEnv;
    readonly needs?: "plugins" | "nothing";
    readonly deadlineMs?: number;
  } = {},
): void {
  const networks = ownNetworks();
  testWithPeapod(sentence, (t, host) => body(t, host, networks), {
    ...options,
    env: { ...networks.env, ...options.env },
    skip: options.needs === "nothing" ? false : LACKS_PLUGINS,
  });
}
