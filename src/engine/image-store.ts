// All that is done to the store of images but to read a name. Bundled apart: a pod whose images are all here never loads it.
// What goes in and out is data; see base/outcome.ts.

import { asOutcome } from "../base/outcome.ts";
import { lookAtImage as look } from "../image/pull/look-at-image.ts";
import { type PullOptions, type PullWish, pullImage as pull } from "../image/pull/pull-image.ts";

export const pullImage = (wish: PullWish, options: PullOptions) => asOutcome(() => pull(wish, options));
export const lookAtImage = (wish: PullWish, options: PullOptions) => asOutcome(() => look(wish, options));
