// Tells a waiting reader that a file may have grown, or lost its name.

import { type FSWatcher, watch } from "node:fs";

/** Where inotify has no watch left for us (`fs.inotify.max_user_watches`), we look this often. */
const POLL_MS = 200;

/** Rings whenever the file may have changed; remembers a ring that nobody waited for. */
export class FileBell {
  #isRung = false;
  #wake: (() => void) | undefined;
  readonly #watcher: FSWatcher | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #ring = (): void => {
    this.#isRung = true;
    this.#wake?.();
  };

  constructor(path: string, signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener("abort", this.#ring);
    try {
      // inotify(7): that a file which is held open loses its name shows as a change of its attributes, which Node tells.
      this.#watcher = watch(path, this.#ring);
      this.#watcher.on("error", this.#ring);
    } catch {
      this.#timer = setInterval(this.#ring, POLL_MS);
    }
    // What happened between opening the file and watching it.
    this.#isRung = true;
  }

  rung(): Promise<void> {
    return new Promise((resolve) => {
      const take = (): void => {
        this.#isRung = false;
        this.#wake = undefined;
        resolve();
      };
      if (this.#isRung) take();
      else this.#wake = take;
    });
  }

  close(): void {
    this.#watcher?.close();
    clearInterval(this.#timer);
    this.#signal?.removeEventListener("abort", this.#ring);
  }
}
