// Leaves a runnable peapod in dist/: bin/ (peapod, peapod-reaper, peapod-io) and lib/ (one bundle, with its compile
// cache). Run after generate.ts; what is up to date is not made again.

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

const home = fileURLToPath(new URL("..", import.meta.url));
const bin = join(home, "dist", "bin");
const lib = join(home, "dist", "lib");
const cli = join(home, "src", "doors", "cli");
const oci = join(home, "src", "doors", "oci");

const NATIVE: readonly { readonly program: string; readonly sources: readonly string[] }[] = [
  {
    program: "peapod-reaper",
    sources: ["exits/reaper.c", "exits/launch.c", "exits/settle.c", "exits/exits.c", "exits/watch.c"],
  },
  { program: "peapod-ask", sources: ["doors/cli/ask.c", "base/ask-pod.c"] },
  { program: "peapod-pty", sources: ["doors/cli/pty.c"] },
  { program: "peapod-caller", sources: ["base/caller.c"] },
  { program: "peapod-probe", sources: ["base/probe.c"] },
  {
    program: "peapod-io",
    sources: ["io/io.c", "io/sink.c", "io/attach.c", "io/input.c", "io/keeper.c", "io/tell.c"],
  },
  {
    program: "peapod-rootless",
    sources: ["host/rootless.c", "host/holder.c", "host/own-cgroup.c", "host/subids.c", "host/user-dirs.c"],
  },
  { program: "peapod-idmap", sources: ["host/idmap.c"] },
  {
    program: "peapod-oci",
    sources: [
      "doors/oci/oci.c",
      "doors/oci/command-line.c",
      "doors/oci/json.c",
      "doors/oci/words.c",
      "doors/oci/files.c",
      "doors/oci/programs.c",
      "doors/oci/pod.c",
      "doors/oci/bundle.c",
      "doors/oci/create.c",
      "doors/oci/calls.c",
      "doors/oci/exec.c",
      "doors/oci/waiting.c",
      "base/ask-pod.c",
    ],
  },
];
/** Packages and tables that are loaded when they are first asked for. */
const SELDOM = /^(execa|yaml|pino|commander)$|\.faults\.cjs$|\/seccomp-profile\.cjs$|\/(run-handler|image-store)\.ts$/;
/** Static, so that they hold no page of a C library and run as a container's first process, too. */
const C_FLAGS = ["-static", "-Os", "-std=gnu17", "-Wall", "-Wextra", "-Wshadow", "-s"];

async function main(): Promise<void> {
  mkdirSync(bin, { recursive: true });
  mkdirSync(lib, { recursive: true });
  for (const { program, sources } of NATIVE)
    compile(
      sources.map((path) => join(home, "src", path)),
      join(bin, program),
    );
  installFile(join(cli, "peapod.sh"), join(bin, "peapod"), 0o755);
  installFile(join(cli, "peapod.cjs"), join(lib, "peapod.cjs"), 0o644);
  installFile(join(oci, "peapod-oci.cjs"), join(lib, "peapod-oci.cjs"), 0o644);
  await bundle();
  warmCompileCache();
}

function compile(sources: readonly string[], target: string): void {
  // Headers lie beside their sources, those of several rooms in base.
  const folders = new Set([...sources.map((path) => dirname(path)), join(home, "src/base")]);
  const headers = [...folders].flatMap((dir) =>
    readdirSync(dir).flatMap((name) => (name.endsWith(".h") ? [join(dir, name)] : [])),
  );
  if (isNewer(target, [...sources, ...headers, fileURLToPath(import.meta.url)])) return;
  const compiler = ["musl-gcc", "cc", "gcc"].find(isOnPath);
  if (compiler === undefined) throw new Error("no C compiler: install musl-tools or gcc");
  run(compiler, [...C_FLAGS, "-o", `${target}.new`, ...sources]);
  renameSync(`${target}.new`, target);
}

/** main.cjs, and beside it what the way up seldom needs: Node reads and checks a file as a whole before its first line. */
async function bundle(): Promise<void> {
  const seldom = new Map<string, string>();
  const apart: Plugin = {
    name: "apart",
    setup(main) {
      main.onResolve({ filter: SELDOM }, async ({ path, kind, resolveDir, pluginData }) => {
        if (pluginData === "apart") return undefined;
        const found = await main.resolve(path, { kind, resolveDir, pluginData: "apart" });
        const name = basename(path).replace(/\.(cjs|ts)$/, "");
        seldom.set(name, found.path);
        return { path: `./${name}.cjs`, external: true };
      });
    },
  };
  await bundleOne("main", join(cli, "main.ts"), [apart]);
  await bundleOne("oci-main", join(oci, "main.ts"), [apart]);
  for (const [name, path] of seldom) await bundleOne(name, path, []);
}

/** CommonJS, because requiring Node's own modules from it costs a tenth of importing them. */
async function bundleOne(name: string, entry: string, plugins: Plugin[]): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile: join(lib, `${name}.cjs`),
    plugins,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node24",
    minifyWhitespace: true,
    minifySyntax: true,
    keepNames: false,
    sourcemap: "external",
    legalComments: "none",
    // Node takes 27 ms to import node:http, and 3 to require it.
    supported: { "dynamic-import": false },
    logLevel: "warning",
    loader: { ".json": "json" },
  });
}

/** Best effort: without the cache peapod starts some milliseconds later. One that does not fit is not used. */
function warmCompileCache(): void {
  const cache = join(lib, "cache");
  rmSync(cache, { recursive: true, force: true });
  spawnSync(process.execPath, [join(home, "scripts", "warm-compile-cache.cjs"), lib], { stdio: "ignore" });
  if (!existsSync(cache)) return;
  // Node makes it for its owner alone; it tells no secret, and other users start as often.
  for (const name of readdirSync(cache, { recursive: true, encoding: "utf8" })) {
    const path = join(cache, name);
    chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o644);
  }
}

/** By rename: a running peapod keeps the file that it has. */
function installFile(source: string, target: string, mode: number): void {
  copyFileSync(source, `${target}.new`);
  chmodSync(`${target}.new`, mode);
  renameSync(`${target}.new`, target);
}

function run(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ended with ${status}`);
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((dir) => existsSync(join(dir, program)));
}

function isNewer(target: string, sources: readonly string[]): boolean {
  if (!existsSync(target)) return false;
  const made = statSync(target).mtimeMs;
  return sources.every((source) => statSync(source).mtimeMs < made);
}

try {
  await main();
} catch (error) {
  // esbuild has told already.
  if (!(error instanceof Error && "errors" in error)) process.stderr.write(`build: ${error}\n`);
  process.exitCode = 1;
}
