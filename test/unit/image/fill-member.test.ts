import fc from "fast-check";
import t from "tap";
import { asLiteral, fillMember, protectNames } from "../../../src/image/fill-member.ts";
import { expand } from "../../../src/plan/expand.ts";
import { anImage, aWish } from "./a-member.ts";

t.test("command and args are decided by Kubernetes' table", async (t) => {
  const table: [command: string[] | undefined, args: string[] | undefined, ran: (string[] | undefined)[]][] = [
    [undefined, undefined, [["/entry"], ["serve"]]],
    [["own"], undefined, [["own"], undefined]],
    [undefined, ["own"], [["/entry"], ["own"]]],
    [["own"], ["args"], [["own"], ["args"]]],
    [[], [], [["/entry"], ["serve"]]],
  ];
  for (const [command, args, ran] of table) {
    const member = fillMember(aWish({ command, args }), anImage(), undefined);
    t.strictSame([member.command, member.args], ran);
  }
  const bare = fillMember(aWish(), anImage({ entrypoint: [], cmd: ["sh"] }), undefined);
  t.strictSame([bare.command, bare.args], [undefined, ["sh"]]);
});

t.test("who has nothing to run is named, with the line", async (t) => {
  t.throws(() => fillMember(aWish(), anImage({ entrypoint: [], cmd: [] }), undefined), {
    code: "BAD_MANIFEST",
    message: "container web: has nothing to run (pod.yaml:7)",
    hint: "nginx:1.27 names no command of its own: set command",
  });
});

t.test("the manifest's variables go before the image's", async (t) => {
  const wish = aWish({ env: [{ name: "A", value: "own" }] });
  const { env } = fillMember(wish, anImage({ env: ["A=theirs", "B=x=y", "C=", "nothing", "=odd"] }), undefined);
  t.strictSame(env, [
    { name: "B", value: "x=y" },
    { name: "C", value: "" },
    { name: "A", value: "own" },
  ]);
});

t.test("a variable that no manifest can name is refused", async (t) => {
  t.throws(() => fillMember(aWish(), anImage({ env: ["grün=1"] }), undefined), {
    code: "NOT_SUPPORTED",
    message: 'container web: image nginx:1.27 sets the variable "grün", which no manifest can name (pod.yaml:7)',
  });
});

t.test("an image's variables are no more known behind $(NAME) than they are to Kubernetes", async (t) => {
  const wish = aWish({
    args: ["$(PATH) $(A) $$(PATH) $(B)"],
    env: [
      { name: "A", value: "$(PATH)" },
      { name: "B", value: "b" },
    ],
  });
  const member = fillMember(wish, anImage(), undefined);
  const own = new Map<string, string>();
  for (const { name, value } of member.env)
    own.set(
      name,
      expand(value, (other) => own.get(other)),
    );
  t.equal(own.get("A"), "$(PATH)");
  t.equal(
    expand(member.args?.[0] ?? "", (name) => own.get(name)),
    "$(PATH) $(PATH) $(PATH) b",
  );
});

t.test("directory and user are the image's, unless the manifest has its own", async (t) => {
  const image = anImage({ workingDir: "/srv" });
  const ids = { uid: 1000, gid: 50 };
  t.match(fillMember(aWish(), image, ids), { workingDir: "/srv", runAsUser: 1000, runAsGroup: 50 });
  t.match(fillMember(aWish({ workingDir: "/own" }), image, undefined), {
    workingDir: "/own",
    runAsUser: undefined,
    runAsGroup: undefined,
  });
  const user = (runAsUser: number | undefined, runAsGroup: number | undefined) => {
    const member = fillMember(aWish({ securityContext: { runAsUser, runAsGroup } }), image, ids);
    return [member.runAsUser, member.runAsGroup];
  };
  t.strictSame(user(7, undefined), [7, undefined], "the image's group is not that user's");
  t.strictSame(user(undefined, 8), [1000, 8]);
  t.strictSame(user(7, 8), [7, 8]);
  t.equal(fillMember(aWish(), anImage({ workingDir: "/" }), undefined).workingDir, undefined);
  t.equal(fillMember(aWish(), anImage({ workingDir: "srv" }), undefined).workingDir, "/srv");
});

const dollars = fc.array(fc.constantFrom("$", "$$", "(", ")", "A", "$(A)", "$$(A)", " "), { maxLength: 10 });

t.test("any text of an image's means itself once it is in the manifest", async (t) => {
  fc.assert(
    fc.property(dollars, (parts) => {
      const text = parts.join("");
      return expand(asLiteral(text), () => "expanded") === text;
    }),
  );
  t.pass();
});

t.test("protected names stay as they stand, and all others as they were", async (t) => {
  fc.assert(
    fc.property(dollars, (parts) => {
      const text = parts.join("");
      const known = (name: string) => (name === "A" ? "expanded" : undefined);
      const unknown = () => undefined;
      return (
        expand(protectNames(text, new Set(["A"])), known) === expand(text, unknown) &&
        expand(protectNames(text, new Set(["B"])), known) === expand(text, known)
      );
    }),
  );
  t.pass();
});

t.test("an image's stop signal is written, unless the manifest has one or it is the usual", async (t) => {
  const signalOf = (stopSignal: string, wish: object = {}) =>
    fillMember({ ...aWish(), ...wish }, { ...anImage(), stopSignal }, undefined).stopSignal;
  t.equal(signalOf("SIGQUIT"), "SIGQUIT");
  t.equal(signalOf("3"), "SIGQUIT");
  t.equal(signalOf("SIGQUIT", { stopSignal: "SIGUSR1" }), undefined);
  for (const usual of ["", "SIGTERM", "TERM", "15"]) t.equal(signalOf(usual), undefined);
  t.throws(() => signalOf("SIGNONE"), {
    code: "NOT_SUPPORTED",
    message: 'container web: stop signal "SIGNONE" of image nginx:1.27 is none (pod.yaml:7)',
  });
});
