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
  return {
    uids: [{ container: 0, host: uid.first, size: uid.count }],
    gids: [{ container: 0, host: gid.first, size: gid.count }],
  };
}
