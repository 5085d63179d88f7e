import t from "tap";
import {
  fitsPlatform,
  hasZstdLayers,
  makePlatform,
  parseConfig,
  parseManifest,
} from "../../../../src/image/pull/parse-image.ts";

const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"b".repeat(64)}`;

t.test("a manifest, an index, and what is neither", async (t) => {
  const layers = [
    { digest: B, size: 7 },
    { digest: "md5:1", size: 1 },
    { digest: A, size: -1 },
  ];
  t.strictSame(parseManifest(JSON.stringify({ config: { digest: A }, layers })), {
    kind: "manifest",
    config: A,
    layers: [
      { digest: B, sizeBytes: 7 },
      { digest: A, sizeBytes: 0 },
    ],
  });
  const manifests = [
    { digest: A, platform: { os: "linux", architecture: "arm", variant: "v7" } },
    { digest: B, platform: { os: "unknown", architecture: "unknown" } },
    null,
  ];
  t.strictSame(parseManifest(JSON.stringify({ manifests })), {
    kind: "index",
    platforms: [{ platform: "linux/arm/v7", digest: A }],
  });
  for (const odd of ["", "[]", "null", '{"layers": []}', '{"config": {"digest": "x"}, "layers": []}'])
    t.equal(parseManifest(odd), undefined, odd);
});

t.test("layers that are compressed by zstd are known by their media type", async (t) => {
  const manifest = (...types: unknown[]) => JSON.stringify({ layers: types.map((mediaType) => ({ mediaType })) });
  const gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
  t.ok(hasZstdLayers(manifest(gzip, "application/vnd.oci.image.layer.v1.tar+zstd")));
  for (const odd of [manifest(gzip), manifest(7), '{"layers": 1}', "x", ""]) t.notOk(hasZstdLayers(odd), odd);
});

t.test("a configuration, whatever the types of its fields", async (t) => {
  const config = {
    Entrypoint: ["a", 1, "b\0"],
    Cmd: "x",
    Env: null,
    WorkingDir: "srv",
    User: 7,
    Labels: { a: "b", c: 1 },
  };
  const more = { Volumes: { "/data": {} }, StopSignal: "INT" };
  t.strictSame(parseConfig(JSON.stringify({ architecture: "amd64", os: "linux", config: { ...config, ...more } })), {
    platform: "linux/amd64",
    createdAt: undefined,
    config: {
      entrypoint: ["a"],
      cmd: [],
      env: [],
      workingDir: "/srv",
      user: "",
      stopSignal: "INT",
      labels: { a: "b" },
    },
    volumePaths: ["/data"],
  });
  t.throws(() => parseConfig("{}"), { code: "BAD_MANIFEST" });
  t.throws(() => parseConfig("no json"), { code: "BAD_MANIFEST" });
});

t.test("platforms", async (t) => {
  t.equal(makePlatform("x64"), "linux/amd64");
  t.equal(makePlatform("arm64"), "linux/arm64");
  t.ok(fitsPlatform("linux/arm64/v8", "linux/arm64"));
  t.ok(fitsPlatform("linux", "linux/arm64"));
  t.notOk(fitsPlatform("linux/amd64", "linux/arm64"));
  t.notOk(fitsPlatform("windows/amd64", "linux/amd64"));
});
