import t from "tap";
import { faultOfImage, placeImage, splitImage } from "../../../src/base/image-transports.ts";

t.test("an image is a registry's unless it names a transport", async (t) => {
  const table: readonly [string, string, string][] = [
    ["nginx:1.27", "docker", "nginx:1.27"],
    ["docker://localhost:5000/a", "docker", "localhost:5000/a"],
    ["oci:./a:b", "oci", "./a:b"],
    ["rootfs:./site", "rootfs", "./site"],
    ["containers-storage:localhost/shop", "containers-storage", "localhost/shop"],
    ["ocix:1", "docker", "ocix:1"],
  ];
  for (const [text, transport, rest] of table) t.strictSame(splitImage(text), { transport, rest }, text);
});

t.test("paths become absolute, names stay", async (t) => {
  t.equal(placeImage("oci:./a:1.0", "/srv"), "oci:/srv/a:1.0");
  t.equal(placeImage("docker-archive:../x.tar:shop:1", "/srv"), "docker-archive:/x.tar:shop:1");
  t.equal(placeImage("rootfs:./with:colon", "/srv"), "rootfs:/srv/with:colon");
  t.equal(placeImage("nginx", "/srv"), "nginx");
});

t.test("what names no image is told", async (t) => {
  for (const good of [
    "nginx",
    "a.b/c:1@sha256:".concat("0".repeat(64)),
    "oci:x",
    "docker-daemon:shop:1",
    "containers-storage:[x]y",
  ])
    t.equal(faultOfImage(good), undefined, good);
  t.match(faultOfImage("Not A Name"), /^"Not A Name" is not the name of an image/);
  t.match(faultOfImage("oci:"), /must name a path behind oci:/);
  t.match(faultOfImage("oci::tag"), /must name a path/);
  t.match(faultOfImage("rootfs:"), /must name a directory/);
  t.match(faultOfImage("docker-daemon:--help"), /is not the name/);
  t.match(faultOfImage("dir:a\nb"), /control character/);
  t.match(faultOfImage("containers-storage:"), /must name an image/);
});
