/** A bell for one who waits: it remembers a ring that nobody waited for. New, it has been rung. */
export class Ring {
  #isRung = true;
  #wake: (() => void) | undefined;

  /** Wakes who waits, or the next one who would. Bound, so that it can be handed on as it is. */
  readonly ring = (): void => {
    this.#isRung = true;
    this.#wake?.();
  };

  /** Resolves at the first ring since it resolved last. */
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
}
