// What a manifest may not ask for inside a caller's container, since it is the caller's to give: a member has at most the
// privileges of the container that it lives in. Each refusal says with which option the caller gives it.

import { type ErrorCode, PeapodError } from "../base/errors.ts";
import type { HostDevice } from "../host/facts.ts";
import type { Container, Manifest } from "../manifest/manifest.ts";
import type { OuterConfig } from "./outer.ts";
import { assertDevices } from "./outer-devices.ts";
import { securityPointer } from "./security-pointer.ts";
import { isWritten, makePlace, makePointer } from "./where.ts";

/**
 * `devices`: behind the manifest's volumes, see PlanInput.
 * @throws NOT_PERMITTED for a privilege that the caller did not give, NOT_SUPPORTED for what is his alone
 */
export function assertGiven(
  manifest: Manifest,
  config: OuterConfig,
  devices: ReadonlyMap<string, HostDevice> = new Map(),
): void {
  const { spec, source } = manifest;
  if (!spec.hostUsers) {
    const place = makePlace(source, "/spec/hostUsers");
    throw new PeapodError(
      "NOT_SUPPORTED",
      `pod: a user namespace is the caller's to make, not hostUsers: false (${place})`,
      {
        hint: "docker run with userns-remap, podman run --userns=auto",
      },
    );
  }
  const [sysctl] = spec.securityContext.sysctls;
  if (sysctl !== undefined) {
    const place = makePlace(source, makePointer("spec", "securityContext", "sysctls", 0));
    throw new PeapodError(
      "NOT_SUPPORTED",
      `sysctl ${sysctl.name}: the pod's namespaces are its container's, and so are their parameters (${place})`,
      { hint: `they come from the caller: docker run --sysctl ${sysctl.name}=${sysctl.value}` },
    );
  }
  assertNames(manifest, config);
  assertDevices(manifest, config, devices);
  spec.containers.forEach((container, index) => {
    assertContainer(manifest, index, container, config);
  });
}

/** Files that the caller mounts are his, and he goes on changing them; where he mounts none, the members have the pod's. */
function assertNames({ spec, source }: Manifest, { mounts = [] }: OuterConfig): void {
  const isCallers = (path: string) => mounts.some(({ destination }) => destination === path);
  const refuse = (field: string, what: string, hint: string) => {
    throw new PeapodError("NOT_SUPPORTED", `pod: its ${what} is its container's (${makePlace(source, field)})`, {
      hint,
    });
  };
  const [alias] = spec.hostAliases;
  if (alias !== undefined && isCallers("/etc/hosts")) {
    const example = `${alias.hostnames[0] ?? "NAME"}:${alias.ip}`;
    refuse("/spec/hostAliases", "hosts file", `names come from the caller: docker run --add-host ${example}`);
  }
  const { policy, nameservers, searches, options } = spec.dns;
  const asksMore = policy === "None" || [nameservers, searches, options].some(({ length }) => length > 0);
  if (asksMore && isCallers("/etc/resolv.conf")) {
    const field = isWritten(source, "/spec/dnsConfig") ? "/spec/dnsConfig" : "/spec/dnsPolicy";
    refuse(field, "resolv.conf", "it comes from the caller: docker run --dns, --dns-search, --dns-option");
  }
}

function assertContainer(
  manifest: Manifest,
  index: number,
  container: Container,
  { process, linux }: OuterConfig,
): void {
  const { seccompProfile, appArmorProfile, seLinuxOptions, procMount, runAsUser } = container.securityContext;
  const refuse = (code: ErrorCode, field: string, what: string, hint: string) => {
    const place = makePlace(manifest.source, securityPointer(manifest, index, field));
    return new PeapodError(code, `container ${container.name}: ${what} (${place})`, { hint });
  };
  // Of a kernel's two filters the stricter counts, but a runtime sets one alone.
  if (seccompProfile?.type === "Localhost" || (seccompProfile?.type === "Unconfined" && linux?.seccomp !== undefined)) {
    throw refuse(
      "NOT_PERMITTED",
      "seccompProfile",
      `its seccomp filter is its pod's container's, not ${seccompProfile.type}`,
      "filters come from the caller: docker run --security-opt seccomp=FILE",
    );
  }
  if (appArmorProfile?.type === "Localhost" || (appArmorProfile?.type === "Unconfined" && process.apparmorProfile)) {
    throw refuse(
      "NOT_PERMITTED",
      "appArmorProfile",
      "its AppArmor profile is its pod's container's",
      "profiles come from the caller: docker run --security-opt apparmor=PROFILE",
    );
  }
  if (seLinuxOptions !== undefined) {
    throw refuse(
      "NOT_PERMITTED",
      "seLinuxOptions",
      "its SELinux label is its pod's container's",
      "labels come from the caller: docker run --security-opt label=LEVEL",
    );
  }
  if (procMount === "Unmasked") {
    throw refuse(
      "NOT_PERMITTED",
      "procMount",
      "what is hidden in /proc is its pod's container's to say",
      "it comes from the caller: docker run --security-opt systempaths=unconfined",
    );
  }
  if (process.noNewPrivileges && process.user.uid !== 0 && runAsUser === 0) {
    throw refuse(
      "NOT_PERMITTED",
      "runAsUser",
      "cannot run as root: its pod's container does not, and lets nobody become root (no_new_privs)",
      "the user comes from the caller: docker run --user",
    );
  }
}
