import t from "tap";
import { makeMountError } from "../../../src/host/mount-error.ts";
import type { HostMount } from "../../../src/plan/plan.ts";

const MORE = "       dmesg(1) may have more information after failed mount system call.\n";

function overlayOn(target: string, lower: string): HostMount {
  return { target, type: "overlay", source: "overlay", options: [`lowerdir=${lower}`, "upperdir=/"], directories: [] };
}

const MOUNTS = [overlayOn("/p/web", "/"), overlayOn("/p/log", "/no/such/rootfs")];

const TABLE = [
  ["special device overlay does not exist", "NOT_FOUND", "mount /p/log: /no/such/rootfs does not exist"],
  ["unknown filesystem type 'overlay'", "HOST_LACKS", "mount /p/log: unknown filesystem type 'overlay'"],
  ["mount(2) system call failed: No space left on device", "OUT_OF_RESOURCES", /No space left/],
  ["permission denied", "NOT_PERMITTED", /permission denied/],
  ["must be superuser to use mount", "NOT_PERMITTED", /superuser/],
  ["wrong fs type, bad option, bad superblock on overlay, missing codepage", "HOST_LACKS", /wrong fs type/],
] as const;

for (const [words, code, message] of TABLE) {
  t.test(`"${words}" is ${code}`, async (t) => {
    t.match(makeMountError(MOUNTS, `mount: /p/log: ${words}.\n${MORE}`), { code, message });
  });
}

t.test("of several failures the first in the plan's order is told", async (t) => {
  const stderr = `mount: /p/log: permission denied.\n${MORE}mount: /p/web: unknown filesystem type 'overlay'.\n`;
  t.match(makeMountError(MOUNTS, stderr), { message: /^mount \/p\/web: / });
});

t.test("what may help is said with it", async (t) => {
  const error = makeMountError(MOUNTS, "mount: /p/log: failed to setup loop device for /p/data.img.\n");
  t.match(error, { code: "HOST_LACKS", message: /loop device for \/p\/data\.img$/, hint: /modprobe loop/ });
});

t.test("a complaint that names no mount is told as it is, and silence is told too", async (t) => {
  t.match(makeMountError(MOUNTS, "mount: /f: failed to parse\n"), { code: "HOST_LACKS", message: /failed to parse/ });
  t.match(makeMountError(MOUNTS, ""), { code: "HOST_LACKS", message: "mounts: mount failed without a word" });
});
