// Says when something in a directory may have changed: inotify(7) where it can be had, and looking now and then.

import { type FSWatcher, watch } from "node:fs";

/** For what inotify does not tell, such as a directory that is not there yet. */
const LOOK_MS = 200;

export class DirWatch {
  #isRung = true;
  #wake: (() => void) | undefined;
  #watcher: FSWatcher | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(dir: string) {
    const open = () => {
      try {
        this.#watcher = watch(dir, () => this.ring());
        this.#watcher.on("error", () => this.ring());
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

  /** Wakes who waits, or the next one who would. */
  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** Resolves at the first ring since it resolved last. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      const take = () => {
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
    this.ring();
  }
}
