// What the containers of a manifest are made of, for a pod image: directories here, images in the builder's store, pulled
// where they are not there yet; and what those say of themselves.

import { join } from "node:path";
import { PeapodError } from "../../base/errors.ts";
import { type Builder, inspectImage, pullImage } from "../../image/builder.ts";
import type { MemberWish } from "../../image/fill-member.ts";
import { findUser, needsAccounts, type UserIds } from "../../image/image-user.ts";
import type { InspectedImage } from "../../image/parse-inspect.ts";
import type { MemberSource } from "../../image/pod-image.ts";
import { readAccounts } from "../../image/read-accounts.ts";
import { readImage } from "../../image/read-image.ts";
import { type ConfigObjects, NO_OBJECTS, objectKey } from "../../manifest/config-objects.ts";
import type { Manifest } from "../../manifest/manifest.ts";

export const SCHEME = "rootfs:";
/** A bare directory says nothing of itself. */
const BARE: InspectedImage = {
  ...{ entrypoint: [], cmd: [], env: [], workingDir: "" },
  ...{ user: "", exposedPorts: [], stopSignal: "" },
};

export interface Member {
  readonly wish: MemberWish;
  readonly source: MemberSource;
  /** Behind an archive: absolute, with no link left in it. */
  readonly directory: string | undefined;
  readonly config: InspectedImage;
  /** Whom the image says to run as; undefined where that is root, or the manifest says it. */
  readonly user: UserIds | undefined;
}

export interface Lookup {
  readonly builder: Builder;
  /** An empty directory of ours. */
  readonly dir: string;
  readonly tell: ((what: string) => void) | undefined;
}

export function makeWishes({ spec, source }: Manifest, objects: ConfigObjects = NO_OBJECTS): MemberWish[] {
  return spec.containers.map((container, index) => {
    const line = source.lines[`/spec/containers/${index}/image`];
    const envFromNames = (container.envFrom ?? []).flatMap(({ kind, object, prefix }) =>
      [...(objects.get(objectKey(kind, object))?.data.keys() ?? [])].map((key) => `${prefix}${key}`),
    );
    return { ...container, envFromNames, place: line === undefined ? source.file : `${source.file}:${line}` };
  });
}

/** Those made of a directory; two that name one directory share its archive. @throws BAD_MANIFEST, NOT_FOUND */
export function readDirectoryMembers(wishes: readonly MemberWish[]): Member[] {
  const archives = new Map<string, string>();
  return wishes
    .filter(({ image }) => image.startsWith(SCHEME))
    .map((wish) => {
      const directory = readImage(wish.image, `container ${wish.name}`, wish.place).rootfs;
      const file = archives.get(directory) ?? `rootfs-${archives.size}.tar`;
      archives.set(directory, file);
      return { wish, source: { kind: "archive", file }, directory, config: BARE, user: undefined };
    });
}

/** Those made of images. @throws BAD_MANIFEST for a user that an image does not know, RUNTIME_FAILED, CANCELED */
export async function readImageMembers(lookup: Lookup, wishes: readonly MemberWish[]): Promise<Member[]> {
  const configs = new Map<string, InspectedImage>();
  const users = new Map<string, UserIds>();
  const members: Member[] = [];
  for (const wish of wishes) {
    const { image: reference, securityContext } = wish;
    if (reference.startsWith(SCHEME)) continue;
    const config = configs.get(reference) ?? (await readConfig(lookup, wish));
    configs.set(reference, config);
    const isAsked = securityContext.runAsUser === undefined;
    const user = isAsked ? (users.get(reference) ?? (await readUser(lookup, wish, config.user))) : undefined;
    if (user !== undefined) users.set(reference, user);
    const isRoot = user?.uid === 0 && user.gid === 0;
    members.push({
      wish,
      source: { kind: "image", reference },
      directory: undefined,
      config,
      user: isRoot ? undefined : user,
    });
  }
  return members;
}

async function readConfig({ builder, tell }: Lookup, { name, image, place }: MemberWish): Promise<InspectedImage> {
  const known = await inspectImage(builder, image);
  if (known !== undefined) return known;
  tell?.(`pulling ${image}`);
  await pullImage(builder, image, `container ${name}: image ${image} cannot be pulled (${place})`);
  const pulled = await inspectImage(builder, image);
  if (pulled !== undefined) return pulled;
  throw new PeapodError("RUNTIME_FAILED", `container ${name}: image ${image} was pulled and is not there (${place})`);
}

async function readUser({ builder, dir }: Lookup, wish: MemberWish, user: string): Promise<UserIds> {
  const { name, image, place } = wish;
  const failure = `container ${name}: the accounts of image ${image} cannot be read (${place})`;
  const accounts = needsAccounts(user)
    ? await readAccounts(builder, image, join(dir, `etc-of-${name}`), failure)
    : { passwd: "", group: "" };
  const found = findUser(user, accounts);
  if ("ids" in found) return found.ids;
  const who = `user ${JSON.stringify(user)} of image ${image}`;
  throw new PeapodError("BAD_MANIFEST", `container ${name}: ${who} ${found.fault} (${place})`, {
    hint: "set securityContext.runAsUser and runAsGroup",
  });
}
