// What an image says of itself, written into the container of a manifest: once its files are a directory in a pod image,
// nothing else remembers it. Kubernetes' table of command and args decides what runs. Pure.

import { PeapodError } from "../base/errors.ts";
import type { ImageConfig } from "./image.ts";
import type { UserIds } from "./image-user.ts";
import { parseStopSignal } from "./stop-signal.ts";

/** A container as its manifest has it. */
export interface MemberWish {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  readonly env: readonly Variable[];
  /** Names that come from ConfigMaps and Secrets as a whole. */
  readonly envFromNames?: readonly string[];
  readonly workingDir: string | undefined;
  readonly securityContext: { readonly runAsUser: number | undefined; readonly runAsGroup: number | undefined };
  /** lifecycle.stopSignal */
  readonly stopSignal?: string;
  /** Its place in the user's text, for errors: `pod.yaml:14`. */
  readonly place: string;
}

export interface Variable {
  readonly name: string;
  readonly value: string;
}

/** The fields of a container that an image has a say in; what stays undefined is not written. */
export interface FilledMember {
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  readonly env: readonly Variable[];
  readonly workingDir: string | undefined;
  readonly runAsUser: number | undefined;
  readonly runAsGroup: number | undefined;
  /** Only the image's. */
  readonly stopSignal: string | undefined;
}

/**
 * @param user the image's own; undefined where it is root, or nobody asked
 * @throws BAD_MANIFEST where there is nothing to run, NOT_SUPPORTED for a variable that no manifest can name
 */
export function fillMember(
  wish: MemberWish,
  config: ImageConfig & { readonly stopSignal?: string },
  user: UserIds | undefined,
): FilledMember {
  const added = makeAddedEnv(wish, config);
  const names = new Set(added.map(({ name }) => name));
  // Kubernetes does not know an image's variables behind $(NAME); now that they stand in the manifest they would be.
  const protect = (text: string) => protectNames(text, names);
  const command = filled(wish.command)?.map(protect);
  const args = filled(wish.args)?.map(protect);
  const entrypoint = filled(config.entrypoint)?.map(asLiteral);
  const cmd = filled(config.cmd)?.map(asLiteral);
  if (command === undefined && args === undefined && entrypoint === undefined && cmd === undefined) {
    throw new PeapodError("BAD_MANIFEST", `container ${wish.name}: has nothing to run (${wish.place})`, {
      hint: `${wish.image} names no command of its own: set command`,
    });
  }
  const { runAsUser, runAsGroup } = wish.securityContext;
  return {
    command: command ?? entrypoint,
    args: args ?? (command === undefined ? cmd : undefined),
    env: [...added, ...wish.env.map(({ name, value }) => ({ name, value: protect(value) }))],
    workingDir: wish.workingDir || makeWorkingDir(config.workingDir),
    runAsUser: runAsUser ?? user?.uid,
    runAsGroup: runAsGroup ?? (runAsUser === undefined ? user?.gid : undefined),
    stopSignal: wish.stopSignal === undefined ? makeStopSignal(wish, config.stopSignal ?? "") : undefined,
  };
}

/** The image's, where it is another than the usual. */
function makeStopSignal({ name, image, place }: MemberWish, written: string): string | undefined {
  if (written === "") return undefined;
  const signal = parseStopSignal(written);
  if (signal === undefined) {
    const said = JSON.stringify(written.slice(0, 40));
    throw new PeapodError(
      "NOT_SUPPORTED",
      `container ${name}: stop signal ${said} of image ${image} is none (${place})`,
      {
        hint: "set lifecycle.stopSignal",
      },
    );
  }
  return signal === "SIGTERM" ? undefined : signal;
}

/** Kubernetes takes an empty list for none. */
function filled(list: readonly string[] | undefined): readonly string[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}

/** `/` is where everything starts anyway. */
function makeWorkingDir(dir: string): string | undefined {
  if (dir === "" || dir === "/") return undefined;
  return dir.startsWith("/") ? dir : `/${dir}`;
}

/** The image's variables that the manifest does not set itself. */
function makeAddedEnv(wish: MemberWish, config: ImageConfig): Variable[] {
  const own = new Set([...wish.env.map(({ name }) => name), ...(wish.envFromNames ?? [])]);
  const added = new Map<string, string>();
  for (const pair of config.env) {
    const at = pair.indexOf("=");
    if (at <= 0 || own.has(pair.slice(0, at))) continue;
    const name = pair.slice(0, at);
    if (!/^[ -<>-~]+$/.test(name)) {
      throw new PeapodError(
        "NOT_SUPPORTED",
        `container ${wish.name}: image ${wish.image} sets the variable ${JSON.stringify(name)}, which no manifest can name (${wish.place})`,
        { hint: "names of variables are printable ASCII characters" },
      );
    }
    added.set(name, asLiteral(pair.slice(at + 1)));
  }
  return [...added].map(([name, value]) => ({ name, value }));
}

/** A text that means itself where `$(NAME)` is expanded and `$$` is a dollar. */
export function asLiteral(text: string): string {
  return text.replace(/\$(?=[$(])/g, "$$$$");
}

/** The manifest's own text, in which these names stay what they were: not known. */
export function protectNames(text: string, names: ReadonlySet<string>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) =>
    name !== undefined && names.has(name) ? `$${whole}` : whole,
  );
}
