// The mounts of a config.json: the profile's, changed where a namespace of the host's makes them impossible, with the
// plan's own laid over them.

import type { PlannedContainer } from "../plan/plan.ts";
import type { OciMount } from "./oci-config.ts";
import type { Profile } from "./profiles.ts";

/** In mount order. A planned mount takes the place of the profile's at the same path. `_pause` gets the least that runs. */
export function makeConfigMounts(container: PlannedContainer, profile: Profile, isUsers = false): OciMount[] {
  const planned = new Map(container.mounts.map((mount) => [mount.destination, mount]));
  const base = profile.mounts
    .filter(({ destination }) => container.role !== "pause" || destination === "/proc" || destination === "/dev")
    .flatMap((mount) => asAllowed(container, mount, isUsers))
    .map((mount) => {
      const own = planned.get(mount.destination);
      planned.delete(mount.destination);
      return own === undefined ? mount : { ...own };
    });
  return [...base, ...[...planned.values()].map((mount) => ({ ...mount }))];
}

/**
 * The kernel lets proc, sysfs and mqueue be mounted only by who is root over the pid, net or ipc namespace that they
 * show (mount(2), EPERM). In a user namespace nobody is that over the host's, so the host's own mount is bound, or
 * for message queues, which work without a mount, left out.
 */
function asAllowed({ namespaces }: PlannedContainer, mount: OciMount, isUsers: boolean): OciMount[] {
  if (namespaces.user.scope === "host" && !isUsers) return [mount];
  const options = mount.options.filter((option) => option !== "rw" && option !== "ro");
  const bindOf = (source: string, access: string): OciMount[] => [
    // Recursive, since the kernel lets nobody uncover what is mounted below.
    { destination: mount.destination, type: "bind", source, options: ["rbind", "rprivate", ...options, access] },
  ];
  switch (mount.type) {
    case "proc":
      return namespaces.pid.scope === "host" ? bindOf("/proc", "rw") : [mount];
    case "sysfs":
      return namespaces.net.scope === "host" ? bindOf("/sys", "ro") : [mount];
    case "mqueue":
      return namespaces.ipc.scope === "host" ? [] : [mount];
    default:
      return [mount];
  }
}
