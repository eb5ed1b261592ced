/** Gathers what comes in between two animation frames, so that a burst of events is one update of the page. */
export class Batch<T> {
  readonly #items: T[] = [];
  readonly #flush: (items: readonly T[]) => void;
  #scheduled = false;

  constructor(flush: (items: readonly T[]) => void) {
    this.#flush = flush;
  }

  add(item: T): void {
    this.#items.push(item);
    if (this.#items.length >= 1000) this.#take(); // a hidden page gets no animation frames
    else this.request();
  }

  /** Ask for an update even if nothing comes in. */
  request(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#take();
    });
  }

  #take(): void {
    this.#flush(this.#items.splice(0));
  }
}
