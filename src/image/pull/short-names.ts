// `nginx` in full, as podman does it (containers-registries.conf(5)): an alias, else each registry that is searched. Nobody
// is asked: where the configuration leaves it open, that is an error. Pure.

import { PeapodError } from "../../base/errors.ts";
import { repositoryOf } from "../store/image-name.ts";

export interface ShortNames {
  /** `nginx` → `docker.io/library/nginx`; empty: the alias is taken back. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly registries: readonly string[];
  /** More than one registry may be tried. */
  readonly mayTryAll: boolean;
}

type Table = Readonly<Record<string, unknown>>;

/** @param tables parsed files, from the weakest to the strongest */
export function makeShortNames(tables: readonly Table[]): ShortNames {
  const aliases = new Map<string, string>();
  let registries: readonly string[] = [];
  let mode = "permissive";
  for (const table of tables) {
    for (const [name, meant] of Object.entries(asTable(table.aliases)))
      if (typeof meant === "string") aliases.set(name, meant);
    const first = asTable(asTable(table.registries).search).registries;
    const written = table["unqualified-search-registries"] ?? first;
    if (Array.isArray(written)) registries = written.filter((one) => typeof one === "string");
    if (typeof table["short-name-mode"] === "string") mode = table["short-name-mode"];
  }
  return { aliases, registries, mayTryAll: mode !== "enforcing" };
}

/**
 * In the order in which they are to be tried.
 * @param name `nginx:1.27`, `team/web@sha256:…`
 * @throws BAD_MANIFEST, as a clause about the image, where none can be told
 */
export function resolveShortName(name: string, { aliases, registries, mayTryAll }: ShortNames): readonly string[] {
  const repository = repositoryOf(name);
  const rest = name.slice(repository.length);
  const alias = aliases.get(repository);
  if (alias) return [`${repositoryOf(alias)}${rest}`];
  if (registries.length === 0)
    throw new PeapodError("BAD_MANIFEST", "is a short name, and nothing says of which registry", {
      hint: `write docker.io/${repository.includes("/") ? "" : "library/"}${name}, or set unqualified-search-registries in /etc/containers/registries.conf`,
    });
  if (registries.length > 1 && !mayTryAll)
    throw new PeapodError("BAD_MANIFEST", `is a short name, and could be of ${registries.join(" or ")}`, {
      hint: `write ${registries[0]}/${name}, or make it an alias in /etc/containers/registries.conf.d`,
    });
  return registries.map(
    (registry) => `${registry}/${registry === "docker.io" && !repository.includes("/") ? "library/" : ""}${name}`,
  );
}

function asTable(value: unknown): Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};
}
