// Who the users of a user namespace are on the host.

import type { HostFacts } from "../host/facts.ts";
import type { IdMapping, NamespaceKind, PlannedNamespace } from "./plan.ts";

/** As many ids as a 16-bit system had: what adduser(8) gives, and what images are made for. */
const DEFAULT = { first: 100_000, count: 65_536 };

/** Undefined in the host's user namespace. One range serves all: namespaces keep containers apart, files of one pod may be shared. */
export function makeIdMapping(
  namespaces: Readonly<Record<NamespaceKind, PlannedNamespace>>,
  facts: HostFacts,
): IdMapping | undefined {
  if (namespaces.user.scope === "host") return undefined;
  const { uid, gid } = facts.subordinateIds ?? { uid: DEFAULT, gid: DEFAULT };
  // Of a larger pool the first: which one a pod really gets is known once it is taken, see host/id-ranges.ts.
  const range = ({ first, count }: typeof DEFAULT) => [
    { container: 0, host: first, size: Math.min(count, DEFAULT.count) },
  ];
  return { uids: range(uid), gids: range(gid) };
}
