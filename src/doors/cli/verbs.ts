// All verbs, in the order in which help tells them.

import type { Verb } from "./grammar.ts";
import { CHANGING } from "./verbs/changing.ts";
import { CHECKPOINTING } from "./verbs/checkpointing.ts";
import { IMAGES } from "./verbs/images.ts";
import { LOOKING } from "./verbs/looking.ts";
import { MAKING } from "./verbs/making.ts";
import { NETWORKS } from "./verbs/networks.ts";
import { TENDING } from "./verbs/tending.ts";
import { VOLUMES } from "./verbs/volumes.ts";

export const VERB_GROUPS: readonly { readonly title: string; readonly verbs: readonly Verb[] }[] = [
  { title: "Make", verbs: MAKING },
  { title: "Change", verbs: CHANGING },
  { title: "Checkpoint", verbs: CHECKPOINTING },
  { title: "Look", verbs: LOOKING },
  { title: "Images", verbs: IMAGES },
  { title: "Volumes", verbs: VOLUMES },
  { title: "Networks", verbs: NETWORKS },
  { title: "Tend", verbs: TENDING },
];

export const VERBS: readonly Verb[] = VERB_GROUPS.flatMap((group) => group.verbs);

/** `name` may have two words. */
export function findVerb(name: string): Verb | undefined {
  return VERBS.find((verb) => verb.name === name || verb.aliases.includes(name));
}

/** The verbs of two words whose first this is: `image` has `image build`. */
export function findGroup(word: string): readonly Verb[] {
  return VERBS.filter((verb) => verb.name.startsWith(`${word} `));
}
