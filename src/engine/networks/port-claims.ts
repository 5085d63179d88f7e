// Ports of this machine that are taken by pods, and by whoever else listens. A pod marks its own before anything of it is
// made, so that of two who want one port one alone gets it, whatever their roots.

import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { errnoOf, PeapodError } from "../../base/errors.ts";
import { readNamesIfOpen, readTextIfAny } from "../../base/files.ts";
import { PORTS_DIR } from "../../base/paths.ts";
import { giveBack, makeClaim, markTaken, readClaim, removeIfLeft } from "../../host/claims.ts";
import type { PortMapping } from "../../network/network.ts";
import { overlaps, parseClaim, tellPort } from "../../network/ports.ts";
import type { PlannedPort } from "../../plan/plan.ts";

/** `place`: whose words, for errors. */
type AskedPort = PortMapping & { readonly place?: string };

/** All of them, or none. @throws ALREADY_EXISTS, NOT_PERMITTED, BAD_USAGE; names who has it */
export async function takePorts(ports: readonly PlannedPort[], podDir: string): Promise<void> {
  const claim = makeClaim(podDir);
  const taken: string[] = [];
  try {
    for (const port of ports) {
      // One that was left over is in nobody's way.
      if (!markTaken(port.claim, claim) && !(removeIfLeft(port.claim) && markTaken(port.claim, claim)))
        throw makeTaken(port, port.claim);
      taken.push(port.claim);
      const other = readOverlapping(port).find(
        (file) => !ports.some((one) => one.claim === file) && !removeIfLeft(file),
      );
      if (other !== undefined) throw makeTaken(port, other);
    }
    await assertAllFree(ports);
  } catch (error) {
    for (const file of taken) giveBack(file);
    throw error;
  }
}

/** @throws ALREADY_EXISTS, NOT_FOUND, NOT_PERMITTED, HOST_LACKS */
export async function assertAllFree(ports: readonly AskedPort[]): Promise<void> {
  await Promise.all(ports.map((port) => assertFree(port)));
}

export function giveBackPorts(ports: readonly PlannedPort[]): void {
  for (const { claim } of ports) giveBack(claim);
}

/** Files of all that pods in this directory or below it have taken. */
export function readPortClaims(dir: string): readonly { readonly file: string; readonly pod: string }[] {
  return readNamesIfOpen(PORTS_DIR).flatMap((name) => {
    const file = join(PORTS_DIR, name);
    const pod = readClaim(file)?.pod;
    return pod !== undefined && (pod === dir || pod.startsWith(`${dir}/`)) ? [{ file, pod }] : [];
  });
}

/** One that the kernel gives, and that no pod has. */
export async function findFreePort(port: PortMapping, taken: ReadonlySet<number>): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await bind({ ...port, hostPort: 0 }, port.hostIP);
    const isTaken = taken.has(found) || readOverlapping({ ...port, hostPort: found }).length > 0;
    if (!isTaken) return found;
    if (attempt === 100) throw new PeapodError("OUT_OF_RESOURCES", "ports: no free one was found");
  }
}

function readOverlapping(port: PortMapping & { readonly claim?: string }): string[] {
  return readNamesIfOpen(PORTS_DIR).flatMap((name) => {
    const other = parseClaim(name);
    const file = join(PORTS_DIR, name);
    return other === undefined || file === port.claim || !overlaps(port, other) ? [] : [file];
  });
}

/** Somebody may listen there who is no pod. */
async function assertFree(port: AskedPort): Promise<void> {
  if (port.protocol === "sctp") return assertFreeSctp(port);
  for (const ip of addressesOf(port)) {
    try {
      await bind(port, ip);
    } catch (error) {
      const errno = errnoOf(error);
      const isWithoutIpv6 =
        port.hostIP === undefined && ip === "::" && (errno === "EAFNOSUPPORT" || errno === "EADDRNOTAVAIL");
      if (!isWithoutIpv6) throw explain(port, errno);
    }
  }
}

/** All of a port that has none. `undefined`: one socket for both families, for which Node looks up no name. */
function addressesOf({ hostIP, protocol }: AskedPort): readonly (string | undefined)[] {
  if (hostIP !== undefined) return [hostIP];
  return protocol === "tcp" ? [undefined] : ["0.0.0.0", "::"];
}

function explain(port: AskedPort, errno: string | undefined): PeapodError {
  const at = port.place === undefined ? "" : ` (${port.place})`;
  if (errno === "EADDRINUSE")
    return new PeapodError("ALREADY_EXISTS", `${tellPort(port)}: is taken${at}`, {
      hint: "ss -lntup tells who listens there",
    });
  if (errno === "EADDRNOTAVAIL")
    return new PeapodError("NOT_FOUND", `${tellPort(port)}: this machine has no address ${port.hostIP}${at}`);
  const code = errno === "EACCES" || errno === "EPERM" ? "NOT_PERMITTED" : "HOST_LACKS";
  return new PeapodError(code, `${tellPort(port)}: cannot be taken: ${errno}${at}`);
}

/** Node has no SCTP; the kernel's list of end points has a line for each, LPORT its sixth word. */
function assertFreeSctp(port: AskedPort): void {
  const lines = (readTextIfAny("/proc/net/sctp/eps") ?? "").split("\n").slice(1);
  if (lines.some((line) => Number(line.trim().split(/\s+/)[5]) === port.hostPort)) throw explain(port, "EADDRINUSE");
}

/** The port that it was. */
async function bind({ protocol, hostPort }: PortMapping, ip: string | undefined): Promise<number> {
  const { createSocket } = protocol === "udp" ? await import("node:dgram") : {};
  return new Promise((resolve, reject) => {
    if (createSocket !== undefined) {
      const isV6 = ip?.includes(":") ?? false;
      const socket = createSocket({ type: isV6 ? "udp6" : "udp4", ipv6Only: isV6 });
      socket
        .on("error", reject)
        .bind({ port: hostPort, ...(ip === undefined ? {} : { address: ip }), exclusive: true }, () => {
          const { port } = socket.address();
          socket.close(() => resolve(port));
        });
      return;
    }
    const server = createServer();
    const host = ip === undefined ? {} : { host: ip, ipv6Only: ip.includes(":") };
    const where = { port: hostPort, exclusive: true, ...host };
    server.on("error", reject).listen(where, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : hostPort));
    });
  });
}

function makeTaken(port: PlannedPort, file: string): PeapodError {
  const pod = readClaim(file)?.pod;
  const who = pod === undefined ? "another pod" : `pod ${pod.slice(dirname(pod).length + 1)}`;
  return new PeapodError("ALREADY_EXISTS", `${tellPort(port)}: is taken by ${who} (${port.place})`, {
    hint: "peapod port tells which ports a pod has",
  });
}
