// Tells a waiting reader that a file may have grown, or lost its name.

import { type FSWatcher, watch } from "node:fs";
import { Ring } from "../base/ring.ts";

/** Where inotify has no watch left for us (`fs.inotify.max_user_watches`), we look this often. */
const POLL_MS = 200;

/** Rings whenever the file may have changed, and once for what happened between opening and watching it. */
export class FileBell extends Ring {
  readonly #watcher: FSWatcher | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #signal: AbortSignal | undefined;

  constructor(path: string, signal: AbortSignal | undefined) {
    super();
    this.#signal = signal;
    signal?.addEventListener("abort", this.ring);
    try {
      // inotify(7): that a file which is held open loses its name shows as a change of its attributes, which Node tells.
      this.#watcher = watch(path, this.ring);
      this.#watcher.on("error", this.ring);
    } catch {
      this.#timer = setInterval(this.ring, POLL_MS);
    }
  }

  close(): void {
    this.#watcher?.close();
    clearInterval(this.#timer);
    this.#signal?.removeEventListener("abort", this.ring);
  }
}
