// A peapod of an ordinary user's, whom nobody has to add to the machine: each of his commands runs in a mount namespace in
// which /etc/passwd, /etc/subuid and /etc/subgid know him, so that the machine's own stay as they are. He has a home, a
// runtime directory and a root file system of his own, and sees the project below his home.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readPids } from "../../src/host/processes.ts";
import { listIfAny, readIfAny } from "./if-any.ts";
import { PeapodHost, type ProgramCall, type Test, testWithHost } from "./peapod-host.ts";
import { busyboxRootfs } from "./rootfs.ts";
import { waitUntil } from "./wait-until.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const IDS = 65_536;
const NEEDED = ["newuidmap", "newgidmap", "setpriv", "unshare"];
/** What may stay in a runtime directory: it goes with the session. */
const CACHE = "runtimes.json";

/** $1: his directory; $2, $3: uid and gid; then what he runs. */
const BECOME = `set -e
dir=$1 uid=$2 gid=$3 project=$4
shift 4
for name in passwd subuid subgid; do mount --bind "$dir/etc/$name" /etc/$name; done
[ ! -e "$dir/tun" ] || mount --bind "$dir/tun" /dev/net/tun
mount --bind "$project" "$dir/home/peapod"
exec setpriv --reuid "$uid" --regid "$gid" --clear-groups "$@"`;

let users = 0;

export class UserHost extends PeapodHost {
  readonly uid: number;
  readonly firstId: number;
  readonly home: string;
  /** His PEAPOD_NETWORK. */
  network = "none";
  readonly #rootfs: string;

  constructor() {
    super({});
    users += 1;
    // Whoever else tests at the same time has another pid.
    const number = (process.pid % 3000) * 10 + users;
    this.uid = 1_500_000_000 + number;
    this.firstId = 1_600_000_000 + number * IDS;
    this.home = join(this.dir, "home");
    this.#rootfs = join(this.dir, "rootfs");
    this.root = join(this.dir, "xdg", "peapod");
    for (const name of ["etc", "home", "home/peapod", "xdg"]) mkdirSync(join(this.dir, name), { mode: 0o755 });
    this.#writeAccounts();
    this.#makeTun();
    execFileSync("cp", ["-a", busyboxRootfs(), this.#rootfs]);
    execFileSync("chown", [
      "-R",
      `${this.uid}:${this.uid}`,
      this.#rootfs,
      join(this.dir, "home"),
      join(this.dir, "xdg"),
    ]);
    execFileSync("chmod", ["700", join(this.dir, "xdg")]);
    chownSync(this.dir, this.uid, this.uid);
  }

  #writeAccounts(): void {
    const etc = join(this.dir, "etc");
    copyFileSync("/etc/passwd", join(etc, "passwd"));
    appendFileSync(join(etc, "passwd"), `pt${users}:x:${this.uid}:${this.uid}::${this.home}:/bin/sh\n`);
    for (const name of ["subuid", "subgid"]) writeFileSync(join(etc, name), `pt${users}:${this.firstId}:${IDS}\n`);
    // What is not there cannot be bound over, as on a machine that had no such user ever.
    for (const name of ["subuid", "subgid"]) appendFileSync(`/etc/${name}`, "");
  }

  /** As udev makes it, open to all. */
  #makeTun(): void {
    if (!existsSync("/dev/net/tun")) return;
    execFileSync("mknod", ["-m", "666", join(this.dir, "tun"), "c", "10", "200"]);
  }

  /** As where udev was told otherwise. */
  withoutTun(): void {
    if (existsSync(join(this.dir, "tun"))) chmodSync(join(this.dir, "tun"), 0o600);
  }

  protected override makeCall(args: readonly string[], env: NodeJS.ProcessEnv): ProgramCall {
    return this.asUser([join(this.home, "peapod/dist/bin/peapod"), ...args], env);
  }

  /** How he runs any program. */
  asUser(words: readonly string[], env: NodeJS.ProcessEnv = {}): ProgramCall {
    const own = {
      HOME: this.home,
      USER: `pt${users}`,
      XDG_RUNTIME_DIR: join(this.dir, "xdg"),
      PEAPOD_NETWORK: this.network,
      PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    };
    const { PEAPOD_RUNTIME } = env;
    const args = ["--mount", "sh", "-c", BECOME, "sh", this.dir, String(this.uid), String(this.uid), PROJECT, ...words];
    return { program: "unshare", args, env: { ...own, ...(PEAPOD_RUNTIME === undefined ? {} : { PEAPOD_RUNTIME }) } };
  }

  /** @returns what it printed */
  run(...words: string[]): string {
    const { program, args, env } = this.asUser(words);
    return execFileSync(program, args, { env, cwd: this.dir, encoding: "utf8" });
  }

  protected override rootfs(): string {
    return this.#rootfs;
  }

  /** Living processes of his, by whichever of his ids. */
  pids(): readonly number[] {
    return readPids().filter((pid) => {
      const [, uid = "-1"] = /^Uid:\t(\d+)/m.exec(readIfAny(`/proc/${pid}/status`)) ?? [];
      const isHis = Number(uid) === this.uid || (Number(uid) >= this.firstId && Number(uid) < this.firstId + IDS);
      return isHis && !/^State:\tZ/m.test(readIfAny(`/proc/${pid}/status`));
    });
  }

  holder(): number | undefined {
    return this.pids().find((pid) => readIfAny(`/proc/${pid}/comm`).trim() === "peapod-holder");
  }

  /** Lines of the mount table inside that name a pod's directory. */
  mounts(): readonly string[] {
    const holder = this.holder();
    if (holder === undefined) return [];
    return readFileSync(`/proc/${holder}/mountinfo`, "utf8")
      .split("\n")
      .filter((line) => line.includes(`${this.root}/pods`));
  }

  override async noLeftovers(t: Test): Promise<void> {
    await super.noLeftovers(t);
    await waitUntil("no process of his is left", () => this.pids().length === 0, 5000).catch(() => undefined);
    t.same(
      this.pids().map((pid) => readIfAny(`/proc/${pid}/cmdline`)),
      [],
      "no process of his is left",
    );
    const files = listIfAny(this.root).filter((path) => !path.endsWith(CACHE));
    t.same(files, [], "no file of his is left in the runtime directory");
    t.same(listIfAny(join(this.home, ".local/state/peapod/logs")), [], "no log of his is left");
  }
}

export function testAsUser(
  sentence: string,
  body: (t: Test, host: UserHost) => Promise<void>,
  options: { readonly skip?: string | false } = {},
): void {
  testWithHost(sentence, () => new UserHost(), body, { skip: options.skip || lacking() });
}

function lacking(): string | false {
  const dirs = (process.env.PATH ?? "").split(":").concat("/usr/bin", "/sbin", "/usr/sbin");
  const missing = NEEDED.filter((name) => !dirs.some((dir) => existsSync(join(dir, name))));
  return missing.length === 0 ? false : `no ${missing.join(", ")} here`;
}
