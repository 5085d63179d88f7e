// Says when something in a directory may have changed: inotify(7) where it can be had, and looking now and then.

import { type FSWatcher, watch } from "node:fs";
import { Ring } from "../base/ring.ts";

/** For what inotify does not tell, such as a directory that is not there yet. */
const LOOK_MS = 200;

export class DirWatch extends Ring {
  #watcher: FSWatcher | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(dir: string) {
    super();
    const open = () => {
      try {
        this.#watcher = watch(dir, this.ring);
        this.#watcher.on("error", this.ring);
      } catch {
        // Tried again at the next look.
      }
    };
    open();
    this.#timer = setInterval(() => {
      if (this.#watcher === undefined) open();
      this.ring();
    }, LOOK_MS);
  }

  close(): void {
    this.#watcher?.close();
    clearInterval(this.#timer);
    this.ring();
  }
}
