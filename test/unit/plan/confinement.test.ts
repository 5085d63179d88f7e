import t from "tap";
import { makeConfig } from "../../../src/bundle/make-config.ts";
import { aPlan, containerOf, type PlanWords, refusalOf } from "../../support/planning.ts";

const PROFILE = { "a.json": { defaultAction: "SCMP_ACT_LOG" as const } };

function configOf(pod: object, own: object = {}, more: PlanWords & { spec?: object } = {}) {
  const plan = aPlan(
    { spec: { ...more.spec, securityContext: pod }, containers: { web: { securityContext: own } } },
    { seccompProfiles: PROFILE, ...more },
  );
  return makeConfig(plan, containerOf(plan, "web"));
}

function refused(own: object, more: PlanWords = {}): string {
  return refusalOf({ containers: { web: { securityContext: own } } }, more);
}

t.test("the container's filter goes before the pod's; a privileged container has one only of its own", (t) => {
  const action = (pod: object, own: object = {}) => configOf(pod, own).linux.seccomp?.defaultAction ?? "none";
  const unconfined = { seccompProfile: { type: "Unconfined" } };
  const usual = { seccompProfile: { type: "RuntimeDefault" } };
  const local = { seccompProfile: { type: "Localhost", localhostProfile: "a.json" } };
  t.equal(action({}), "SCMP_ACT_ERRNO");
  t.equal(action(usual), "SCMP_ACT_ERRNO");
  t.equal(action(unconfined), "none");
  t.equal(action(local), "SCMP_ACT_LOG");
  t.equal(action(unconfined, usual), "SCMP_ACT_ERRNO");
  t.equal(action(usual, unconfined), "none");
  t.equal(action(usual, { privileged: true }), "none");
  t.equal(action({}, { privileged: true, ...usual }), "SCMP_ACT_ERRNO");
  t.equal(action({}, { privileged: true, ...local }), "SCMP_ACT_LOG");
  t.match(refused(usual, { facts: { hasSeccomp: false } }), /^HOST_LACKS container web: this kernel has no seccomp/);
  t.equal(refused(unconfined, { facts: { hasSeccomp: false } }), "planned");
  t.end();
});

t.test("no_new_privs is set where escalation is not allowed", (t) => {
  t.equal(configOf({}).process.noNewPrivileges, false);
  t.equal(configOf({}, { allowPrivilegeEscalation: true }).process.noNewPrivileges, false);
  t.equal(configOf({}, { allowPrivilegeEscalation: false }).process.noNewPrivileges, true);
  t.end();
});

t.test("AppArmor is used where the kernel has it, and only what means nothing is taken where not", (t) => {
  const of = (type: string, name?: string) => ({
    appArmorProfile: { type, ...(name === undefined ? {} : { localhostProfile: name }) },
  });
  const armed = { facts: { appArmorProfiles: ["web-profile"] } };
  t.equal(refused(of("RuntimeDefault")), "planned");
  t.equal(refused(of("Unconfined")), "planned");
  t.match(
    refused(of("Localhost", "web-profile")),
    /^HOST_LACKS container web: AppArmor profile web-profile: this kernel has no AppArmor \(pod\.yaml:/,
  );
  t.match(refused(of("RuntimeDefault"), armed), /^NOT_SUPPORTED container web: peapod brings no AppArmor profile/);
  t.match(refused(of("Localhost", "other"), armed), /^HOST_LACKS .* AppArmor profile other is not loaded/);
  t.equal(configOf({}, of("Localhost", "web-profile"), armed).process.apparmorProfile, "web-profile");
  t.equal(configOf(of("Localhost", "web-profile"), of("Unconfined"), armed).process.apparmorProfile, "unconfined");
  t.equal(configOf({}, {}, armed).process.apparmorProfile, undefined);
  t.end();
});

t.test("SELinux options become labels where the kernel has it", (t) => {
  const options = { seLinuxOptions: { level: "s0:c1,c2" } };
  t.match(refused(options), /^HOST_LACKS container web: this kernel has no SELinux/);
  t.equal(refused({ seLinuxOptions: {} }), "planned", "which ask for nothing");
  const { process, linux } = configOf(options, {}, { facts: { hasSeLinux: true } });
  t.equal(process.selinuxLabel, "system_u:system_r:container_t:s0:c1,c2");
  t.equal(linux.mountLabel, "system_u:object_r:container_file_t:s0:c1,c2");
  t.end();
});

t.test("procMount Unmasked shows all of /proc, in a user namespace only", (t) => {
  const open = { procMount: "Unmasked" };
  t.match(refused(open), /^BAD_MANIFEST container web: procMount Unmasked needs a user namespace/);
  t.match(refused({ procMount: "Default" }), "planned");
  const { linux } = configOf({}, open, { spec: { hostUsers: false } });
  t.strictSame(linux.readonlyPaths, []);
  t.ok(linux.maskedPaths.length > 0 && linux.maskedPaths.every((path) => path.startsWith("/sys/")));
  t.end();
});
