// What becomes of a pod that runs when its manifest is another one: who comes, who goes, who is replaced. What all share
// cannot change under those who have it, and is refused before anything is done. Pure.

import { basename } from "node:path";
import { PeapodError } from "../base/errors.ts";
import type { ContainerName } from "../base/names.ts";
import { NETWORKS } from "../manifest/annotations.ts";
import { isLent } from "./pins.ts";
import type { Follower, Plan, PlannedContainer, PlannedVolume, Sandbox, SandboxFile } from "./plan.ts";
import { essenceOfFile } from "./sandbox-files.ts";
import { restoreProcess, type SecretParts } from "./secrets.ts";

/** What helps where a pod that runs cannot become what is asked. */
export const ANEW = "run that under another name, or delete the pod and run it anew";

/** A plan with what it leaves out. */
export interface WholePlan {
  readonly plan: Plan;
  readonly secrets: SecretParts;
}

export interface MemberChange {
  /** The plan from then on. */
  readonly plan: Plan;
  readonly added: readonly ContainerName[];
  readonly removed: readonly ContainerName[];
  readonly replaced: readonly ContainerName[];
}

/**
 * Undefined: they say the same.
 * @throws NOT_SUPPORTED, with the reason
 */
export function planMemberChange(was: WholePlan, becomes: WholePlan): MemberChange | undefined {
  const { plan: old } = was;
  const { plan: next } = becomes;
  const before = new Map(old.containers.map((one) => [one.name, one]));
  const after = new Map(next.containers.map((one) => [one.name, one]));
  const added = next.containers.filter(({ name }) => !before.has(name));
  const removed = old.containers.filter(({ name }) => !after.has(name));
  const replaced = old.containers.filter((one) => {
    const other = after.get(one.name);
    return other !== undefined && !isSame(essenceOf(one, was), essenceOf(other, becomes));
  });
  const plan = makeChangedPlan(old, next);
  assertSameSandbox(old, next);
  // Their keys are the user's, whatever ours mean.
  const words = ({ labels, annotations }: Plan) => ({ labels, annotations });
  if (isSame(bare(old), bare(plan)) && isSame(words(old), words(plan)) && isSame(was.secrets, becomes.secrets))
    return undefined;
  for (const one of [...added, ...removed, ...replaced]) assertChangeable(old, one, after.get(one.name));
  const names = (containers: readonly PlannedContainer[]) => containers.map(({ name }) => name);
  return { plan, added: names(added), removed: names(removed), replaced: names(replaced) };
}

/**
 * The files stay: containers have them mounted. Whoever needs another than there is gets it made. Whoever comes later is
 * made for himself, beside those who are there. A vault and a range of ids go with the pod alone.
 */
function makeChangedPlan(old: Plan, next: Plan): Plan {
  const single = ({ name }: PlannedContainer): Follower => ({
    containers: [name],
    stages: [
      [{ do: "open-io", container: name }],
      [{ do: "create-container", container: name }],
      ...(isLender(next, name) ? [[{ do: "pin-from-container", container: name } as const]] : []),
      [{ do: "start-container", container: name }],
    ],
  });
  const isNew = ({ path }: SandboxFile) => !old.sandbox.files.some((file) => file.path === path);
  const members = next.containers.filter(({ role }) => role === "main" || role === "sidecar");
  const vault = next.sandbox.vault ?? old.sandbox.vault;
  const idsFile = next.sandbox.idsFile ?? old.sandbox.idsFile;
  return {
    ...next,
    runtime: old.runtime,
    sandbox: {
      ...next.sandbox,
      files: [...old.sandbox.files, ...next.sandbox.files.filter(isNew)],
      ...(vault === undefined ? {} : { vault }),
      ...(idsFile === undefined ? {} : { idsFile }),
    },
    followers: [...members.map(single), ...next.followers],
  };
}

function isLender({ sandbox }: Plan, name: ContainerName): boolean {
  return sandbox.namespaces.some((pin) => pin.from === name && isLent(pin));
}

function assertSameSandbox(old: Plan, next: Plan): void {
  const refuse = (what: string, hint = ANEW) => {
    throw new PeapodError("NOT_SUPPORTED", `pod ${old.pod}: ${what} cannot change while it runs`, { hint });
  };
  const same = (part: (sandbox: Sandbox) => unknown) => isSame(bare(part(old.sandbox)), bare(part(next.sandbox)));
  if (!same(({ hostname }) => hostname)) refuse("its host name");
  const shared = ({ namespaces }: Sandbox) => namespaces.map(({ sysctls: _, ...namespace }) => namespace);
  if (!same(shared) || !same(({ sharedMemory }) => sharedMemory)) refuse("which namespaces its containers share");
  if (!same(({ namespaces }) => namespaces.map(({ sysctls }) => sysctls)) || !isSame(sysctlsOf(old), sysctlsOf(next)))
    refuse("its sysctls");
  if (old.sandbox.idsFile === undefined && next.containers.some(({ idMapping }) => idMapping !== undefined))
    refuse("that none of its containers has a user namespace");
  if (!same(({ cgroup }) => cgroup)) refuse("its cgroup");
  if (
    old.annotations[NETWORKS] !== next.annotations[NETWORKS] ||
    !same(({ networks }) => networks?.map(({ name }) => name))
  )
    refuse("its networks");
  for (const file of next.sandbox.files) {
    const there = old.sandbox.files.find(({ path }) => path === file.path);
    if (there === undefined || isSame(bare(essenceOfFile(there)), bare(essenceOfFile(file)))) continue;
    refuse(`its ${/hosts/.test(basename(file.path)) ? "hosts file" : basename(file.path).replace(/^host-/, "")}`);
  }
  for (const volume of old.sandbox.volumes) {
    const now = next.sandbox.volumes.find(({ name }) => name === volume.name);
    if (now === undefined || isSame(essenceOfVolume(volume), essenceOfVolume(now))) continue;
    if (isSame(ownerless(volume), ownerless(now))) refuse("its fsGroup");
    throw new PeapodError("NOT_SUPPORTED", `volume ${volume.name}: cannot change while the pod runs`, {
      hint: "give the new one another name",
    });
  }
}

/** Of the first process of what all share, where there is one. */
function sysctlsOf({ containers }: Plan): unknown {
  return bare(containers.find(({ role }) => role === "pause")?.sysctls);
}

function ownerless(volume: PlannedVolume): unknown {
  const { owner: _, ...rest } = essenceOfVolume(volume) as { readonly owner?: unknown };
  return rest;
}

/** `after`: as it is to be; undefined: it goes. */
function assertChangeable(old: Plan, { name, role }: PlannedContainer, after: PlannedContainer | undefined): void {
  const refuse = (why: string, hint?: string) => {
    throw new PeapodError("NOT_SUPPORTED", `container ${name}: ${why}`, hint === undefined ? {} : { hint });
  };
  if (role === "init" || after?.role === "init") refuse("is an init container, and those have run already", ANEW);
  if (role === "pause")
    throw new PeapodError(
      "NOT_SUPPORTED",
      `pod ${old.pod}: what all its containers share cannot change while it runs`,
      {
        hint: ANEW,
      },
    );
  if (after !== undefined && after.role !== role)
    refuse(`is a ${role} container and cannot become a ${after.role} one`, "give the new one another name");
  if (isLender(old, name) || old.sandbox.namespaces.some(({ owner }) => owner !== "pod" && owner === name))
    refuse("lends a namespace to others, which would lose it", "restart the pod instead");
}

/** What is the supervisor's alone takes effect without the container. */
function essenceOf(planned: PlannedContainer, { secrets }: WholePlan): unknown {
  const { restart: _, deviceRules, ...container } = restoreProcess(planned, secrets);
  // An init container has run: that its device has come back under another number concerns nobody.
  return bare(planned.role === "init" ? container : { ...container, deviceRules });
}

/** What is in files changes under those who have them mounted, as with a ConfigMap or Secret that Kubernetes is given anew. */
function essenceOfVolume(volume: PlannedVolume): unknown {
  return bare(volume.kind === "files" ? { ...volume, files: [] } : volume);
}

/** Where each decision comes from, and what follows from the rest. */
const DERIVED = ["reasons", "place", "firstMembers", "followers"];

/** As it stands on disk, without what is derived. */
function bare(value: unknown): unknown {
  const text = JSON.stringify(value, (key, one) => (DERIVED.includes(key) ? undefined : one));
  return text === undefined ? undefined : JSON.parse(text);
}

function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length || Array.isArray(one) !== Array.isArray(other)) return false;
  return keys.every((key) => key in other && isSame(one[key as keyof typeof one], other[key as keyof typeof other]));
}
