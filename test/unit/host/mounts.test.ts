import t from "tap";
import { formatFstabLine } from "../../../src/host/mounts.ts";
import type { HostMount } from "../../../src/plan/plan.ts";

function aMount(more: Partial<HostMount> = {}): HostMount {
  return { target: "/t", type: "tmpfs", source: "tmpfs", options: [], directories: [], ...more };
}

t.test("a mount without options has the defaults", async (t) => {
  t.equal(formatFstabLine(aMount()), "tmpfs /t tmpfs defaults 0 0\n");
});

t.test("what would end a field of fstab(5) is written in octal", async (t) => {
  const line = formatFstabLine(aMount({ target: "/a b\tc\\d\ne", source: "#x" }));
  t.equal(line, "\\043x /a\\040b\\011c\\134d\\012e tmpfs defaults 0 0\n");
});

t.test("a comma in an overlay's path is no comma between options", async (t) => {
  const options = ["lowerdir=/a,b", "upperdir=/c\\,d"];
  t.equal(
    formatFstabLine(aMount({ type: "overlay", source: "o", options })),
    "o /t overlay lowerdir=/a\\134,b,upperdir=/c\\134,d 0 0\n",
  );
});

t.test("commas in other options are their own", async (t) => {
  t.match(formatFstabLine(aMount({ options: ["size=1m", "mpol=bind:0,2"] })), " size=1m,mpol=bind:0,2 ");
});

t.test("an empty field is a fault of ours", async (t) => {
  t.throws(() => formatFstabLine(aMount({ source: "" })), { code: "BUG" });
});
