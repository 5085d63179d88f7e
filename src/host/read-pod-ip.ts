// The address by which others reach a network namespace, as the kernel's table of its own addresses has it.

import { readTextIfAny } from "../base/files.ts";

const LOOPBACK = "127.0.0.1";

/** The first IPv4 address of a process's network that is not the loopback's; else that. */
export function readPodIp(pid: number): string {
  return parseLocalAddresses(readTextIfAny(`/proc/${pid}/net/fib_trie`) ?? "")[0] ?? LOOPBACK;
}

/** A line with an address is followed by one that says whose it is: `/32 host LOCAL`. */
export function parseLocalAddresses(text: string): string[] {
  const lines = text.split("\n");
  const found = lines.flatMap((line, index) => {
    const [, address] = /\|-- (\d+\.\d+\.\d+\.\d+)$/.exec(line) ?? [];
    const isOurs = /^\s*\/32 host LOCAL$/.test(lines[index + 1] ?? "");
    return address === undefined || !isOurs || address.startsWith("127.") ? [] : [address];
  });
  return [...new Set(found)];
}
