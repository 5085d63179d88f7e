// What addresses a pod has by its uplink: told to the journal and to its hosts file as a network's are, whenever the program
// that gives them was started. pasta copies the machine's, which may be another one the next time.

import { readNetnsAddresses } from "../../host/read-netns.ts";
import type { Plan } from "../../plan/plan.ts";
import type { PlannedUplink } from "../../plan/uplink.ts";
import { UPLINK_DEVICE } from "../../plan/uplink.ts";
import type { Journal } from "../../state/journal.ts";
import { writeAddresses } from "./write-addresses.ts";

const NO_DNS = { nameservers: [], search: [], options: [] };

export async function noteUplinkAddresses(plan: Plan, { kind, netns }: PlannedUplink, journal: Journal): Promise<void> {
  const ips = await readNetnsAddresses(netns);
  const [known] = journal.state.networks ?? [];
  if (known === undefined || known.ips.map(tell).join() !== ips.map(tell).join())
    journal.append({ type: "pod.attached", networks: [{ name: kind, interface: UPLINK_DEVICE, ips }], dns: NO_DNS });
  writeAddresses(plan, journal.state);
}

function tell({ address, prefix }: { readonly address: string; readonly prefix: number }): string {
  return `${address}/${prefix}`;
}
