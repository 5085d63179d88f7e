import t from "tap";
import { makeIdMapArgs } from "../../../src/plan/map-ids.ts";
import { aPlan, containerOf } from "../../support/planning.ts";

const VOLUMES = {
  spec: {
    hostUsers: false,
    volumes: [
      { name: "v", emptyDir: {} },
      { name: "h", hostPath: { path: "/srv/data" } },
    ],
  },
  containers: {
    web: {
      volumeMounts: [
        { name: "v", mountPath: "/v" },
        { name: "h", mountPath: "/h", readOnly: true },
      ],
    },
    db: { volumeMounts: [{ name: "v", mountPath: "/v" }] },
  },
};

t.test("in a user namespace root file systems and volumes are bound once more with owners mapped, each once", (t) => {
  const plan = aPlan(VOLUMES);
  const [step, ...others] = plan.stages.flat().filter((one) => one.do === "map-ids");
  if (step === undefined || others.length > 0) throw new Error("not one step maps ids");
  const sources = step.maps.map(({ source }) => source);
  t.equal(new Set(sources).size, sources.length);
  const POD = "/run/peapod/pods/shop";
  for (const source of ["/example/rootfs", "/srv/data", `${POD}/volumes/v`, `${POD}/files/hosts`])
    t.ok(sources.includes(source), source);
  t.notOk(
    sources.some((source) => source.includes("/shm/")),
    "shared memory is everybody's",
  );
  const targetOf = (source: string) => step.maps.find((one) => one.source === source)?.target;
  const sourceAt = (name: string, destination: string) =>
    containerOf(plan, name).mounts.find((one) => one.destination === destination)?.source;
  t.equal(sourceAt("web", "/v"), targetOf(`${POD}/volumes/v`));
  t.equal(sourceAt("db", "/v"), targetOf(`${POD}/volumes/v`));
  t.equal(sourceAt("web", "/h"), targetOf("/srv/data"));
  const order = plan.stages.map((stage) => stage.map((one) => one.do));
  const at = (what: string) => order.findIndex((stage) => stage.some((one) => one === what));
  t.ok(at("make-volumes") < at("map-ids") && at("map-ids") < at("create-container"));
  const overlays = plan.stages.findIndex((stage) =>
    stage.some((one) => one.do === "mount" && one.mounts.some(({ type }) => type === "overlay")),
  );
  t.ok(at("map-ids") < overlays && overlays < at("create-container"));
  t.strictSame(makeIdMapArgs(step.mapping), ["0:100000:65536", "0:100000:65536"]);
  t.end();
});

t.test("files of the host are bound as they are: not every file system can show other owners", (t) => {
  const namespaces = "user=private,net=host,ipc=host,uts=host,pid=host,cgroup=host";
  const plan = aPlan({ annotations: { "peapod/namespaces.web": namespaces } });
  const { mounts } = containerOf(plan, "web");
  for (const file of ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"])
    t.equal(mounts.find(({ destination }) => destination === file)?.source, file);
  t.end();
});

t.test("a pod among the host's users maps nothing", (t) => {
  const plan = aPlan({ ...VOLUMES, spec: { ...VOLUMES.spec, hostUsers: true } });
  t.notOk(plan.stages.flat().some((one) => one.do === "map-ids"));
  t.equal(containerOf(plan, "web").idMapping, undefined);
  t.end();
});
