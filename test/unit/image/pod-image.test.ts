import fc from "fast-check";
import t from "tap";
import { PeapodError } from "../../../src/base/errors.ts";
import { type MemberSource, makeDockerfile, type PodImage } from "../../../src/image/pod-image.ts";

function anImageOf(...members: [name: string, source: MemberSource][]): PodImage {
  return { pod: "shop", members: members.map(([name, source]) => ({ name, source })), exposedPorts: [] };
}

const from = (reference: string): MemberSource => ({ kind: "image", reference });

t.test("an ordinary multi-stage Dockerfile", async (t) => {
  const image = anImageOf(["web", from("nginx:1.27")], ["db", { kind: "archive", file: "rootfs-0.tar" }]);
  t.equal(
    makeDockerfile({ ...image, exposedPorts: ["80/tcp"] }),
    `# Made by \`peapod image build\`.
FROM nginx:1.27 AS peapod-stage-0
FROM scratch
COPY --from=peapod-stage-0 / /containers/web/
ADD rootfs-0.tar /containers/db/
COPY pod.yaml /etc/peapod/pod.yaml
LABEL io.peapod.pod="shop"
EXPOSE 80/tcp
CMD ["peapod"]
`,
  );
});

t.test("containers of one image share a stage and have a directory each", async (t) => {
  const lines = makeDockerfile(anImageOf(["a", from("x")], ["b", from("y")], ["c", from("x")])).split("\n");
  t.strictSame(
    lines.filter((line) => /^(FROM|COPY --from)/.test(line)),
    [
      "FROM x AS peapod-stage-0",
      "FROM y AS peapod-stage-1",
      "FROM scratch",
      "COPY --from=peapod-stage-0 / /containers/a/",
      "COPY --from=peapod-stage-1 / /containers/b/",
      "COPY --from=peapod-stage-0 / /containers/c/",
    ],
  );
});

t.test("an image that is called like a stage is not taken for one", async (t) => {
  const text = makeDockerfile(anImageOf(["a", from("x")], ["b", from("peapod-stage-0")]));
  t.match(text, "FROM x AS xpeapod-stage-0\nFROM peapod-stage-0 AS xpeapod-stage-1\n");
});

t.test("the ports of all members, each once; what is none is left out", async (t) => {
  const exposedPorts = ["8080/tcp", "80/tcp", "80/tcp", "53/udp", "53/tcp", "9000-9010", "80\nRUN x", "$PORT", "http"];
  t.match(
    makeDockerfile({ ...anImageOf(["a", from("x")]), exposedPorts }),
    "EXPOSE 53/tcp 53/udp 80/tcp 8080/tcp 9000-9010\n",
  );
});

t.test("whatever names there are, each line is one of ours, or all is refused", async (t) => {
  const LINE = [
    /^# Made by `peapod image build`\.$/,
    /^FROM [A-Za-z0-9[][A-Za-z0-9_.:/@[\]-]* AS x*peapod-stage-[0-9]+$/,
    /^FROM scratch$/,
    /^COPY --from=x*peapod-stage-[0-9]+ \/ \/containers\/[a-z0-9_-]+\/$/,
    /^ADD rootfs-[0-9]+\.tar \/containers\/[a-z0-9_-]+\/$/,
    /^COPY pod\.yaml \/etc\/peapod\/pod\.yaml$/,
    /^LABEL io\.peapod\.pod="[a-z0-9.-]+"$/,
    /^EXPOSE [0-9a-z/ -]+$/,
    /^CMD \["peapod"\]$/,
    /^$/,
  ];
  const spiked = (plain: string) =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(plain) },
      { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom("\n", "\r", "\nRUN id", " ", '"', "'", "\\", "\\\n", "$X", "`", "#", " AS x", "\u2028", "\0")
          .map((spike) => `${plain}${spike}`),
      },
    );
  const source = fc.oneof(
    fc.oneof(spiked("nginx"), spiked("r:5000/a:1"), spiked("peapod-stage-1")).map(from),
    spiked("rootfs-0.tar").map((file): MemberSource => ({ kind: "archive", file })),
  );
  const image = fc.record({
    pod: spiked("shop"),
    members: fc.array(fc.record({ name: spiked("web"), source }), { minLength: 1, maxLength: 4 }),
    exposedPorts: fc.array(spiked("80/tcp"), { maxLength: 3 }),
  });
  let made = 0;
  fc.assert(
    fc.property(image, (pod) => {
      try {
        const lines = makeDockerfile(pod).split("\n");
        made += 1;
        return lines.every((line) => LINE.some((allowed) => allowed.test(line)));
      } catch (error) {
        return error instanceof PeapodError;
      }
    }),
    { numRuns: 3000 },
  );
  t.ok(made > 300, `${made} were made`);
});
