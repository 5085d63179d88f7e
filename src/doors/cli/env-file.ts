// --env and --env-file, as podman has them: NAME=value; NAME alone takes the caller's value, and is left out where he has
// none; in a file also NAME* for all of his that begin so. The last one wins, and --env over --env-file.

import { PeapodError } from "../../base/errors.ts";

type Env = Readonly<Record<string, string | undefined>>;

const NAME = /^[ -<>-~]+$/;

/** @param files each with its path, for errors. @throws BAD_USAGE */
export function makeEnv(
  files: readonly { readonly path: string; readonly text: string }[],
  words: readonly string[],
  caller: Env,
): Readonly<Record<string, string>> {
  const env: Record<string, string> = Object.create(null);
  for (const { path, text } of files) {
    text.split("\n").forEach((line, index) => {
      const trimmed = line.replace(/^[ \t\f\v]+/, "").replace(/\r$/, "");
      if (trimmed !== "" && !trimmed.startsWith("#")) add(env, trimmed, caller, `env file ${path}:${index + 1}`);
    });
  }
  for (const word of words) add(env, word, caller, "option --env");
  return env;
}

function add(env: Record<string, string>, pair: string, caller: Env, where: string): void {
  const at = pair.indexOf("=");
  const name = (at < 0 ? pair : pair.slice(0, at)).trim();
  if (at < 0 && name.length > 1 && name.endsWith("*")) {
    const prefix = name.slice(0, -1);
    for (const [key, value] of Object.entries(caller)) if (key.startsWith(prefix)) env[key] = value ?? "";
    return;
  }
  if (!NAME.test(name)) {
    throw new PeapodError("BAD_USAGE", `${where}: ${JSON.stringify(name)} is not a variable's name`, {
      hint: "write NAME=value, or NAME for the value that it has here",
    });
  }
  const value = at < 0 ? caller[name] : pair.slice(at + 1);
  if (value?.includes("\0")) throw new PeapodError("BAD_USAGE", `${where}: ${name} has a NUL in it`);
  if (value !== undefined) env[name] = value;
}
