// Ranges of host ids for user namespaces: each pod has one that no other pod on this machine has, whatever its root. Who
// makes the file of a range has it, so that no daemon need hand them out.

import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { PeapodError } from "../base/errors.ts";
import { readNames } from "../base/files.ts";
import { makeClaim, markTaken, removeIfLeft } from "./claims.ts";
import type { HostFacts } from "./facts.ts";

/** As many ids as a 16-bit system had: what images are made for. */
export const RANGE_SIZE = 65_536;
/**
 * Where subuid(5) says nothing: 4096 ranges from 2^28 on, in what systemd leaves to containers (its UIDS-GIDS page), far
 * above the users that adduser(8) makes and the ranges that it gives them.
 */
const DEFAULT = { first: 0x1000_0000, count: 4096 * RANGE_SIZE };

export interface TakenIds {
  /** Where the pod gives it back. */
  readonly file: string;
  readonly subordinateIds: NonNullable<HostFacts["subordinateIds"]>;
}

/**
 * @param dir where ranges are marked as taken; made
 * @throws OUT_OF_RESOURCES where all are taken
 */
export function takeIds(dir: string, pool: HostFacts["subordinateIds"], podDir: string): TakenIds {
  const { uid, gid } = pool ?? { uid: DEFAULT, gid: DEFAULT };
  const count = Math.floor(Math.min(uid.count, gid.count) / RANGE_SIZE);
  const claim = makeClaim(podDir);
  const range = (slot: number) =>
    makeRange(dir, { uid: uid.first + slot * RANGE_SIZE, gid: gid.first + slot * RANGE_SIZE });
  for (const mayClean of [false, true]) {
    const known = new Set(readNames(dir));
    for (let slot = 0; slot < count; slot += 1) {
      const taken = range(slot);
      const isKnown = known.has(taken.file.slice(dir.length + 1));
      if (isKnown && !(mayClean && removeIfLeft(taken.file))) continue;
      if (markTaken(taken.file, claim)) return taken;
    }
  }
  throw new PeapodError("OUT_OF_RESOURCES", `user namespace: all ${count} ranges of ${RANGE_SIZE} ids are taken`, {
    hint: "give the user peapod more of them in /etc/subuid and /etc/subgid",
  });
}

/** Those that a pod has, by the file that it is to give back. */
export function knownIds(file: string): TakenIds {
  const [uid, gid] = basename(file).split("-").map(Number);
  if (uid === undefined || gid === undefined) throw new PeapodError("BUG", `${file}: names no range of ids`);
  return makeRange(dirname(file), { uid, gid });
}

function makeRange(dir: string, { uid, gid }: { readonly uid: number; readonly gid: number }): TakenIds {
  return {
    file: join(dir, `${uid}-${gid}`),
    subordinateIds: { uid: { first: uid, count: RANGE_SIZE }, gid: { first: gid, count: RANGE_SIZE } },
  };
}

/**
 * Who is root of a user namespace and nobody here must get to his root file system; below `root` we see to that.
 * @throws NOT_PERMITTED
 */
export function assertPassable(root: string): void {
  for (let dir = dirname(root); ; dir = dirname(dir)) {
    const mode = statSync(dir, { throwIfNoEntry: false })?.mode;
    if (mode !== undefined && (mode & 0o001) === 0) {
      throw new PeapodError(
        "NOT_PERMITTED",
        `user namespace: its users cannot pass through ${dir} to the pod in ${root}`,
        {
          hint: `chmod o+x ${dir}, or another --root`,
        },
      );
    }
    if (dir === dirname(dir)) return;
  }
}
