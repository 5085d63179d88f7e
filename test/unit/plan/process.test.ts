import t from "tap";
import { aPlan, containerOf, type PlanWords, refusalOf } from "../../support/planning.ts";

const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function web(fields: Record<string, unknown>, more: PlanWords = {}) {
  return containerOf(aPlan({ containers: { web: fields } }, more), "web");
}

t.test("command and args stand over entrypoint and cmd as in Kubernetes' table", (t) => {
  const image = { entrypoint: ["/entry"], cmd: ["from", "image"] };
  const rows: [string, Record<string, unknown>, string[]][] = [
    ["neither", { command: undefined }, ["/entry", "from", "image"]],
    ["command only", { command: ["/mine"] }, ["/mine"]],
    ["args only", { command: undefined, args: ["mine"] }, ["/entry", "mine"]],
    ["both", { command: ["/mine"], args: ["too"] }, ["/mine", "too"]],
  ];
  for (const [name, fields, expected] of rows) t.strictSame(web(fields, { image }).process.args, expected, name);
  t.match(
    refusalOf({ containers: { web: { command: undefined } } }),
    /^BAD_MANIFEST container web: has nothing to run \(pod.yaml:\d+/,
  );
  t.end();
});

t.test("$(NAME) is expanded in command, args and env, from the manifest's variables alone", (t) => {
  const { process } = web(
    {
      command: ["/bin/echo", "$(GREETING)", "$$(GREETING)", "$(UNKNOWN)", "$(OPEN", "100$", "$(IMAGE)"],
      env: [
        { name: "NAME", value: "you" },
        { name: "GREETING", value: "hello $(NAME) $(LATER)" },
        { name: "LATER", value: "x" },
      ],
    },
    { image: { env: ["IMAGE=theirs"] } },
  );
  t.strictSame(process.args, [
    "/bin/echo",
    "hello you $(LATER)",
    "$(GREETING)",
    "$(UNKNOWN)",
    "$(OPEN",
    "100$",
    "$(IMAGE)",
  ]);
  t.end();
});

t.test("the environment is default, image, container, the last one wins", (t) => {
  t.strictSame(web({}).process.env, [DEFAULT_PATH, "HOSTNAME=shop"]);
  t.strictSame(web({}, { image: { env: ["PATH=/image", "A=1", "broken"] } }).process.env, [
    "PATH=/image",
    "HOSTNAME=shop",
    "A=1",
  ]);
  const env = [
    { name: "HOSTNAME", value: "mine" },
    { name: "A", value: "2=3" },
  ];
  t.strictSame(web({ env }, { image: { env: ["A=1"] } }).process.env, [DEFAULT_PATH, "HOSTNAME=mine", "A=2=3"]);
  t.end();
});

t.test("HOSTNAME is the name that the container will see", (t) => {
  const hostnameOf = (spec: Record<string, unknown>, annotations: Record<string, string> = {}) =>
    containerOf(aPlan({ spec, annotations }), "web").process.env.find((entry) => entry.startsWith("HOSTNAME="));
  t.equal(hostnameOf({}), "HOSTNAME=shop");
  t.equal(hostnameOf({ hostname: "till" }), "HOSTNAME=till");
  t.equal(hostnameOf({ hostNetwork: true }), "HOSTNAME=host");
  t.equal(hostnameOf({}, { "peapod/namespaces.web": "uts=path:/run/x" }), undefined, "nobody can know it");
  t.end();
});

t.test("directory and user", (t) => {
  t.match(web({}).process, { cwd: "/", uid: 0, gid: 0, noNewPrivileges: false });
  t.equal(web({}, { image: { workingDir: "/srv" } }).process.cwd, "/srv");
  t.equal(web({ workingDir: "/mine" }, { image: { workingDir: "/srv" } }).process.cwd, "/mine");
  t.match(web({ securityContext: { runAsUser: 1000 } }).process, { uid: 1000, gid: 0 });
  t.match(web({ securityContext: { runAsUser: 1000, runAsGroup: 3000 } }).process, { uid: 1000, gid: 3000 });
  t.end();
});

t.test("limits become quota, shares and bytes by Kubernetes' arithmetic", (t) => {
  const rows: [Record<string, unknown>, Record<string, unknown>][] = [
    [{}, { cpuShares: undefined, cpuQuotaUs: undefined, cpuPeriodUs: undefined, memoryLimitBytes: undefined }],
    [{ limits: { cpu: "500m" } }, { cpuShares: 512, cpuQuotaUs: 50_000, cpuPeriodUs: 100_000 }],
    [{ limits: { cpu: "1m" } }, { cpuShares: 2, cpuQuotaUs: 1000 }],
    [
      { limits: { cpu: 2 }, requests: { cpu: "250m" } },
      { cpuShares: 256, cpuQuotaUs: 200_000 },
    ],
    [{ requests: { cpu: "1m" } }, { cpuShares: 2, cpuQuotaUs: undefined }],
    [{ requests: { cpu: 1000 } }, { cpuShares: 262_144 }],
    [{ limits: { memory: "32Mi" } }, { memoryLimitBytes: 33_554_432 }],
  ];
  for (const [resources, expected] of rows) t.match(web({ resources }).resources, expected, JSON.stringify(resources));
  t.end();
});

t.test("reasons tell image, manifest and default apart", (t) => {
  const { reasons } = web(
    { command: undefined, resources: { limits: { memory: "1Mi" } } },
    { image: { entrypoint: ["/entry"], env: ["A=1"] } },
  );
  t.match(reasons["process.args"], { source: "image", where: /^rootfs:/ });
  t.match(reasons["process.env"], { source: "image" });
  t.match(reasons["process.user"], { source: "default" });
  t.match(reasons["resources.memory"], {
    source: "manifest",
    where: /^pod.yaml:\d+ spec.containers\[0\].resources.limits.memory$/,
  });
  t.end();
});
