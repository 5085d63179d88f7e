// A target in the test's own network, with the real peapod-probe, and what a handler may not leave behind.

import { readdirSync, readlinkSync } from "node:fs";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";
import type { HandlerTarget } from "../../../../src/engine/handlers/handler.ts";
import { readPids, readProcess } from "../../../../src/host/processes.ts";
import { buildNative } from "../../../support/native.ts";
import { aTempDir } from "../../../support/temp-dir.ts";
import { waitUntil } from "../../../support/wait-until.ts";

type Test = Parameters<typeof aTempDir>[0];

export function aTarget(t: Test): HandlerTarget {
  const dir = aTempDir(t);
  return {
    id: "web",
    pid: process.pid,
    startTime: readProcess(process.pid)?.startTime ?? 0,
    program: buildNative(dir, "peapod-probe"),
    callsDir: dir,
    // A runtime whose exec is the command itself.
    runtime: {
      execCommand: ({ args }) => ({ program: args[0] ?? "", args: args.slice(1), explain: async () => undefined }),
    },
  };
}

/** Listens on a port of its own choice until the test's end. */
export async function aServer(t: Test, onConnection: (socket: Socket) => void, host = "127.0.0.1"): Promise<number> {
  return await listen(
    t,
    createServer((socket) => onConnection(socket.on("error", () => undefined))),
    host,
  );
}

export async function listen(t: Test, server: Server, host = "127.0.0.1"): Promise<number> {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.teardown(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

export function helpers(): number[] {
  return readPids().filter((pid) => {
    const found = readProcess(pid);
    return found?.ppid === process.pid && found.comm === "peapod-probe" && found.state !== "Z";
  });
}

export function openSockets(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
}

/** @throws unless no helper runs and no socket is open beyond those that were before. */
export async function nothingLeft(socketsBefore: number): Promise<void> {
  await waitUntil("helpers and sockets are gone", () => helpers().length === 0 && openSockets() <= socketsBefore);
}
