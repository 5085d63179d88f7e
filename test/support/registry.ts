// A registry of one test's own: Debian's docker-registry on a port of 127.0.0.1 that nobody has, with its images in the
// test's directory; and a gate before it that can stop in the middle of a layer.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { waitUntil } from "./wait-until.ts";

export interface Login {
  readonly user: string;
  readonly password: string;
  /** Of the password, crypt(5): the registry takes no other kind. */
  readonly bcrypt: string;
}

/** Nobody needs htpasswd(1) for one password that is always the same. */
export const LOGIN: Login = {
  user: "ann",
  password: "tulip-7731",
  bcrypt: "$2b$05$abcdefghijklmnopqrstuulmaB9J0wsd8gqmCuOsWPmx0fJJSemkK",
};

export class Registry {
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #login: Login | undefined;

  /** @param login without it everybody may pull and push */
  static async start(dir: string, login?: Login): Promise<Registry> {
    const port = await findPort();
    const registry = new Registry(dir, port, login);
    await waitUntil("the registry answers", async () => await answers(port));
    return registry;
  }

  private constructor(dir: string, port: number, login: Login | undefined) {
    this.address = `127.0.0.1:${port}`;
    this.#login = login;
    const file = join(dir, "registry.yml");
    const accounts = join(dir, "registry.htpasswd");
    if (login !== undefined) writeFileSync(accounts, `${login.user}:${login.bcrypt}\n`);
    writeFileSync(
      file,
      `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${join(dir, "registry")}}, delete: {enabled: true}}
http: {addr: "${this.address}"}
${login === undefined ? "" : `auth: {htpasswd: {realm: here, path: ${accounts}}}\n`}`,
    );
    this.#child = spawn("docker-registry", ["serve", file], { stdio: "ignore" });
  }

  /** Puts an image of a layout there. */
  push(layout: string, tag: string, name: string): string {
    const target = `${this.address}/${name}`;
    execFileSync("skopeo", [
      "copy",
      "--quiet",
      "--dest-tls-verify=false",
      ...(this.#login === undefined ? [] : ["--dest-creds", `${this.#login.user}:${this.#login.password}`]),
      `oci:${layout}:${tag}`,
      `docker://${target}`,
    ]);
    return target;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

/** Hands on what is said between a client and a registry, until so many bytes have come back; then it is silent. */
export class Gate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** What has come since, each to whom it is due. */
  readonly #held: (() => void)[] = [];
  #left: number;

  static async open(target: string, bytes: number): Promise<Gate> {
    const gate = new Gate(target, bytes);
    gate.#server.listen(0, "127.0.0.1");
    await once(gate.#server, "listening");
    return gate;
  }

  private constructor(target: string, bytes: number) {
    this.#left = bytes;
    const [host = "", port] = target.split(":");
    this.#server = createServer((client) => {
      const behind = connect(Number(port), host);
      for (const socket of [client, behind]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined).on("close", () => this.#sockets.delete(socket));
      }
      client.pipe(behind);
      behind.on("data", (bytes: Buffer) => {
        const part = bytes.subarray(0, Math.max(0, this.#left));
        this.#left -= part.length;
        if (part.length > 0) client.write(part);
        if (part.length < bytes.length) this.#held.push(() => client.write(bytes.subarray(part.length)));
      });
      behind.on("end", () => {
        if (this.#left > 0) client.end();
      });
    });
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get isSilent(): boolean {
    return this.#left <= 0;
  }

  /** Hands on what was held back, and all that comes. */
  goOn(): void {
    this.#left = Number.POSITIVE_INFINITY;
    for (const write of this.#held.splice(0)) write();
  }

  /** Hangs up on everybody. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function answers(port: number): Promise<boolean> {
  try {
    const { status } = await fetch(`http://127.0.0.1:${port}/v2/`);
    return status === 200 || status === 401;
  } catch {
    return false;
  }
}
