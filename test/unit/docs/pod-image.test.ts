import { readFileSync } from "node:fs";
import t from "tap";
import { fillMember } from "../../../src/image/fill-member.ts";
import { makeDockerfile } from "../../../src/image/pod-image.ts";
import { makeImageManifest } from "../../../src/manifest/image-manifest.ts";
import { parsePod } from "../../../src/manifest/read-manifest.ts";

const TEXT = readFileSync(new URL("../../../docs/pod-image.md", import.meta.url), "utf8");

function blocksOf(language: string): string[] {
  return [...TEXT.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map(([, block = ""]) => block);
}

t.test("docs/pod-image.md shows what image build makes of its example", async (t) => {
  const [before = "", after] = blocksOf("yaml");
  const { manifest, document } = parsePod(before, { file: "pod.yaml", baseDir: "/example", images: "named" });
  const nginx = {
    entrypoint: ["/docker-entrypoint.sh"],
    cmd: ["nginx", "-g", "daemon off;"],
    env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "NGINX_VERSION=1.27.5"],
    workingDir: "",
    stopSignal: "SIGQUIT",
  };
  const bare = { entrypoint: [], cmd: [], env: [], workingDir: "" };
  const fields = manifest.spec.containers.map((container) => ({
    image: `rootfs:/containers/${container.name}`,
    ...fillMember({ ...container, place: "" }, container.image.startsWith("rootfs:") ? bare : nginx, undefined),
  }));
  t.equal(makeImageManifest(document, fields), after);
  const [dockerfile] = blocksOf("dockerfile");
  const pod = {
    pod: "shop",
    members: [
      { name: "web", source: { kind: "image", reference: "nginx:1.27" } },
      { name: "pages", source: { kind: "archive", file: "rootfs-0.tar" } },
    ],
    exposedPorts: ["80/tcp"],
  } as const;
  t.equal(makeDockerfile(pod), dockerfile);
});
