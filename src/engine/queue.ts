// One thing after the other. INVARIANT: at most one task of a queue runs at any time, in the order of asking;
// a task that fails does not stop those behind it.

export class Queue {
  #tail: Promise<unknown> = Promise.resolve();
  #length = 0;

  /** Tasks that run or wait. */
  get length(): number {
    return this.#length;
  }

  run<T>(task: () => Promise<T>): Promise<T> {
    this.#length += 1;
    const result = this.#tail.then(task).finally(() => {
      this.#length -= 1;
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
