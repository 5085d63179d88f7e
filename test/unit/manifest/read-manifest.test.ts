import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { IDLE_VALUES } from "../../../src/manifest/normal-document.ts";
import { parsePod, readManifest } from "../../../src/manifest/read-manifest.ts";
import { faultLinesOf, faultsOf, parse, podWith, WHOLE_POD } from "./a-pod.ts";

t.test("a pod with every field becomes a manifest with defaults filled in", async (t) => {
  const { metadata, spec } = parse(WHOLE_POD);
  t.strictSame(metadata, {
    name: "web.example",
    namespace: "shop",
    labels: { "app.kubernetes.io/name": "web", tier: "" },
    annotations: {
      note: "any text",
      "peapod/share": "net,ipc",
      "peapod/timeOffsets": "monotonic=60",
      "peapod/namespaces.web": "pid=host",
    },
  });
  t.strictSame(spec, {
    containers: [
      {
        name: "web",
        role: "main",
        pointer: "/spec/containers/0",
        restartPolicy: "Never",
        restartRules: [],
        image: "rootfs:/base/site",
        command: ["/bin/httpd"],
        args: ["-f"],
        env: [
          { name: "PORT", value: "8080" },
          { name: "EMPTY", value: "" },
        ],
        workingDir: "/srv",
        volumeMounts: [
          { name: "data", mountPath: "/data", readOnly: true },
          { name: "etc", mountPath: "/etc/web", readOnly: false },
        ],
        resources: {
          cpuLimitMilli: 500,
          cpuRequestMilli: 250,
          memoryLimitBytes: 64 << 20,
          memoryRequestBytes: 64 << 20,
        },
        securityContext: {
          runAsUser: 1000,
          runAsGroup: 1001,
          runAsNonRoot: false,
          capabilities: { add: ["NET_ADMIN"], drop: ["ALL"] },
          readOnlyRootFilesystem: true,
          privileged: true,
          allowPrivilegeEscalation: true,
          procMount: "Default",
        },
        stdin: false,
        stdinOnce: false,
        tty: false,
      },
      {
        name: "side",
        role: "main",
        pointer: "/spec/containers/1",
        restartPolicy: "Never",
        restartRules: [],
        image: "rootfs:/images/side",
        command: undefined,
        args: undefined,
        env: [],
        workingDir: undefined,
        volumeMounts: [],
        resources: {
          cpuLimitMilli: 2000,
          cpuRequestMilli: 2000,
          memoryLimitBytes: undefined,
          memoryRequestBytes: undefined,
        },
        securityContext: {
          runAsUser: undefined,
          runAsGroup: undefined,
          runAsNonRoot: false,
          capabilities: { add: [], drop: [] },
          readOnlyRootFilesystem: false,
          privileged: false,
          allowPrivilegeEscalation: true,
          procMount: "Default",
        },
        stdin: false,
        stdinOnce: false,
        tty: false,
      },
    ],
    volumes: [
      { kind: "emptyDir", name: "data", medium: "", sizeLimitBytes: undefined },
      { kind: "emptyDir", name: "fast", medium: "Memory", sizeLimitBytes: 16 << 20 },
      { kind: "hostPath", name: "etc", path: "/etc/web", type: "DirectoryOrCreate" },
    ],
    hostname: "shop",
    setHostnameAsFQDN: false,
    hostAliases: [],
    dns: { policy: "ClusterFirst", nameservers: [], searches: [], options: [] },
    hostNetwork: true,
    hostPID: false,
    hostIPC: true,
    shareProcessNamespace: true,
    hostUsers: true,
    securityContext: { supplementalGroups: [], supplementalGroupsPolicy: "Merge", sysctls: [] },
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 3,
    activeDeadlineSeconds: undefined,
  });
});

t.test("the least pod gets Kubernetes' defaults", async (t) => {
  const { metadata, spec } = parse(
    '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"b","image":"rootfs:c"}]}}',
  );
  t.equal(metadata.namespace, "default");
  t.equal(spec.hostname, "a");
  t.equal(spec.restartPolicy, "Always");
  t.equal(spec.terminationGracePeriodSeconds, 30);
  t.equal(spec.containers[0]?.image, "rootfs:/base/c");
});

t.test("every value's line is known by its pointer", async (t) => {
  const { source } = parse(WHOLE_POD);
  t.equal(source.file, "pod.yaml");
  t.equal(source.baseDir, "/base");
  const textLines = WHOLE_POD.split("\n");
  for (const [pointer, key] of [
    ["/kind", "kind:"],
    ["/metadata/annotations/peapod~1share", "peapod/share:"],
    ["/spec/containers/0/image", "image: rootfs:./site"],
    ["/spec/containers/0/args/0", "args:"],
    ["/spec/containers/1", "- name: side"],
    ["/spec/volumes/2/hostPath/type", "hostPath:"],
  ] as const) {
    t.match(textLines[(source.lines[pointer] ?? 0) - 1], key, pointer);
  }
});

t.test("a manifest is frozen through and through and survives JSON", async (t) => {
  const manifest = parse(WHOLE_POD);
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    t.ok(Object.isFrozen(value));
    Object.values(value).forEach(visit);
  };
  visit(manifest);
  t.same(JSON.parse(JSON.stringify(manifest)), JSON.parse(JSON.stringify(parse(WHOLE_POD))));
  t.strictSame(JSON.parse(JSON.stringify(manifest)).spec.containers[0], manifest.spec.containers[0]);
});

t.test("each rule beyond the schema is told at its place", async (t) => {
  const table: readonly (readonly [string, string, string])[] = [
    ["name: side", "name: web", 'pod.yaml:48:7 spec.containers[1].name: "web" is there twice (first in line 28)'],
    ["name: fast", "name: data", 'pod.yaml:23:7 spec.volumes[1].name: "data" is there twice (first in line 21)'],
    [
      "{name: etc, mount",
      "{name: etcc, mount",
      'pod.yaml:38:12 spec.containers[0].volumeMounts[1].name: no volume is called "etcc"; did you mean "etc"? there are data, fast, etc',
    ],
    [
      "mountPath: /etc/web",
      "mountPath: /data/",
      'pod.yaml:38:23 spec.containers[0].volumeMounts[1].mountPath: "/data" is there twice (first in line 37)',
    ],
    [
      "mountPath: /etc/web",
      "mountPath: /a/../b",
      "pod.yaml:38:23 spec.containers[0].volumeMounts[1].mountPath: must not contain ..",
    ],
    [
      "mountPath: /etc/web",
      "mountPath: //.",
      "pod.yaml:38:23 spec.containers[0].volumeMounts[1].mountPath: must not be / itself: that is the image",
    ],
    [
      "mountPath: /etc/web",
      "mountPath: etc",
      "pod.yaml:38:23 spec.containers[0].volumeMounts[1].mountPath: must be an absolute path without ':'",
    ],
    ["path: /etc//web/", "path: /etc/../x", "pod.yaml:26:18 spec.volumes[2].hostPath.path: must not contain .."],
    [
      "name: EMPTY",
      "name: A=B",
      "pod.yaml:34:11 spec.containers[0].env[1].name: must be printable ASCII characters without '='",
    ],
    [
      "cpu: 0.25",
      "cpu: 0.75",
      "pod.yaml:41:20 spec.containers[0].resources.requests.cpu: must not be more than the limit, 500m",
    ],
    [
      "memory: 64Mi",
      "memory: 64m",
      "pod.yaml:40:29 spec.containers[0].resources.limits.memory: must be whole bytes; m means thousandths: did you mean 64Mi?",
    ],
    [
      "rootfs:./site",
      "docker.io/nginx",
      "pod.yaml:29:7 spec.containers[0].image: must be rootfs: and a directory, such as rootfs:/containers/web: nothing is pulled inside of a pod image",
    ],
    ["rootfs:./site", '"rootfs:"', "pod.yaml:29:7 spec.containers[0].image: must name a directory behind rootfs:"],
    [
      "hostIPC: true",
      "hostPID: true",
      "pod.yaml:17:3 spec.shareProcessNamespace: cannot be true together with hostPID: the processes are the host's already",
    ],
    [
      "peapod/share",
      "peapod/shared",
      'pod.yaml:10:5 metadata.annotations["peapod/shared"]: unknown annotation; did you mean "peapod/share"?',
    ],
    [
      "namespaces.web",
      "namespaces.wbe",
      'pod.yaml:12:5 metadata.annotations["peapod/namespaces.wbe"]: no container is called "wbe"; did you mean "web"? there are web, side',
    ],
    [
      "name: web.example",
      "name: ../web",
      "pod.yaml:4:3 metadata.name: must be at most 63 lower-case letters, digits, '-' and '.', and each part between dots must begin and end with a letter or digit",
    ],
    ['args: ["-f"]', 'args: ["a\\0b"]', "pod.yaml:31:14 spec.containers[0].args[0]: must not contain a NUL character"],
  ];
  for (const [piece, other, line] of table)
    t.strictSame(faultLinesOf(podWith(piece, other)), [line], `${piece} → ${other}`);
});

t.test("all faults are told at once, in the order of the file", async (t) => {
  const text = podWith("kind: Pod", "kind: Pod\nextra: 1")
    .replace("cpu: 2", "cpu: two")
    .replace("hostNetwork: true", "hostNetwork: yes");
  t.strictSame(
    faultsOf(text).map(({ line, path }) => [line, path]),
    [
      [3, "extra"],
      [16, "spec.hostNetwork"],
      [52, "spec.containers[1].resources.limits.cpu"],
    ],
  );
});

t.test("a file holds one Pod and nothing else", async (t) => {
  t.equal(parse(`---\n---\n# nothing\n---\n${WHOLE_POD}---\n~\n`).metadata.name, "web.example");
  t.match(faultLinesOf(`${WHOLE_POD}---\nkind: ConfigMap\n`), [/apiVersion: is missing/, /metadata: is missing/]);
  t.match(faultLinesOf(`${WHOLE_POD}---\nkind: Deployment\n`), [
    /must be Pod, is Deployment; take the pod out of its template/,
  ]);
  t.match(faultLinesOf(`${WHOLE_POD}---\n${WHOLE_POD}`), [
    /^pod.yaml:55:1 kind: is a second Pod \(the first is in line 2\)/,
  ]);
  t.match(faultLinesOf(""), ["pod.yaml:1:1: holds no document; a manifest is a v1 Pod"]);
});

t.test("JSON with tabs, a BOM and Windows line ends are all read", async (t) => {
  const json = JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "a" },
      spec: { containers: [{ name: "b", image: "rootfs:c" }] },
    },
    null,
    "\t",
  );
  t.equal(parse(json).source.lines["/kind"], 3);
  t.equal(parse(`\ufeff${WHOLE_POD}`).source.lines["/kind"], 2);
  t.equal(parse(WHOLE_POD.replaceAll("\n", "\r\n")).source.lines["/kind"], 2);
});

t.test("a file is read from where it lies, and says why it cannot be read", async (t) => {
  const dir = t.testdir({ "pod.yaml": WHOLE_POD, "bytes.yaml": "", "big.yaml": "" });
  writeFileSync(join(dir, "bytes.yaml"), Buffer.from([0x61, 0xff, 0xfe]));
  writeFileSync(join(dir, "big.yaml"), "#".repeat(1_000_000));
  mkdirSync(join(dir, "dir"));
  const manifest = readManifest(join(dir, "pod.yaml"));
  t.equal(manifest.source.baseDir, dir);
  t.equal(manifest.spec.containers[0]?.image, `rootfs:${dir}/site`);
  t.throws(() => readManifest(join(dir, "none.yaml")), {
    code: "NOT_FOUND",
    message: /^manifest .*none.yaml: does not exist$/,
  });
  t.throws(() => readManifest(join(dir, "dir")), { code: "BAD_MANIFEST", message: /is a directory, not a file$/ });
  t.throws(() => readManifest(join(dir, "bytes.yaml")), { code: "BAD_MANIFEST", message: /is not UTF-8 text$/ });
  t.throws(() => readManifest(join(dir, "big.yaml")), { code: "BAD_MANIFEST", message: /is larger than 512 KiB$/ });
  t.throws(() => readManifest("/dev/zero"), { code: "BAD_MANIFEST", message: /is larger than 512 KiB$/ });
});

t.test("standard input can be handed in, and starts from the working directory", async (t) => {
  const { source } = readManifest("-", { stdinText: WHOLE_POD });
  t.strictSame([source.file, source.baseDir], ["-", process.cwd()]);
});

t.test("a field without a value is as if it were not there, in each kind of document", async (t) => {
  const container = "containers: [{name: a, image: rootfs:b, env: [{name: C, value: null}]}]";
  const config = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c, labels: }\ndata: {full: x, bare: ~}\n";
  const secret = "kind: Secret\napiVersion: v1\ntype:\nmetadata: {name: s}\nstringData: {full: x, bare: }\n";
  const empty = "spec:\n  hostname:\n  serviceAccountName: null\n  securityContext:\n    sysctls: null\n  volumes: ~\n";
  const pod = `apiVersion: v1\nkind: Pod\nmetadata: {name: web, annotations: null}\n${empty}  ${container}\n`;
  const text = [pod, config, secret].join("---\n");
  const { manifest, document, objects, companions } = parsePod(text, { file: "f", baseDir: "/", images: "any" });
  t.equal(JSON.stringify([document, companions]).includes("null"), false);
  t.strictSame(manifest.spec.containers[0]?.env, [{ name: "C", value: "" }]);
  t.strictSame([manifest.source.lines["/spec/hostname"], manifest.source.lines["/spec/containers"]], [undefined, 10]);
  t.strictSame(
    [...objects.values()].map(({ data }) => [...data.keys()]),
    [["full"], ["full"]],
  );
});

t.test(
  "what a cluster writes by itself and asks for nothing is as if it were not there; more of it is refused",
  async (t) => {
    const containers = [{ name: "a", image: "rootfs:b" }];
    const read = (spec: object) => {
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec: { ...spec, containers } };
      return parsePod(JSON.stringify(pod), { file: "f", baseDir: "/", images: "any" }).document;
    };
    for (const [pointer, values] of Object.entries(IDLE_VALUES)) {
      const field = pointer.replace("/spec/", "");
      for (const value of values) t.same(read({ [field]: value }), read({}), field);
      const more = Array.isArray(values[0]) ? [{ key: "k" }] : typeof values[0] === "object" ? { k: "v" } : "other";
      t.throws(
        () => read({ [field]: more }),
        { message: /not (meant for one machine|supported yet)/ },
        `${field} with more`,
      );
    }
  },
);

t.test("merge keys bring what a map does not say itself, in the words of the first that has it", async (t) => {
  const { spec, source } = parse(`apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - &base
      name: web
      image: rootfs:b
      env: [{name: A, value: b}]
      securityContext: &security {runAsUser: 1, privileged: true}
    - name: side
      !!merge <<: *base
      securityContext:
        <<: [*security, {runAsUser: 2, runAsGroup: 3}]
        privileged: false
`);
  const [base, side] = spec.containers;
  t.strictSame([side?.name, side?.image, side?.env], ["side", base?.image, base?.env]);
  t.match(side?.securityContext, { runAsUser: 1, runAsGroup: 3, privileged: false });
  t.strictSame(
    ["name", "image", "securityContext/privileged"].map((field) => source.lines[`/spec/containers/1/${field}`]),
    [11, 8, 15],
  );
});

t.test("merge keys of merge keys end, however often they say the same", async (t) => {
  const ten = (of: number) => Array.from({ length: 10 }, () => `*a${of}`).join(", ");
  const lines = Array.from({ length: 40 }, (_, index) => `b${index}: &a${index + 1} {<<: [${ten(index)}]}\n`);
  t.strictSame(faultLinesOf(`a: &a0 {x: 1}\n${lines.join("")}`), [
    "pod.yaml:1:1: the document has more than 30000 values",
  ]);
});
