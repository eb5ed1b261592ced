/** Gathers what comes in between two animation frames, so that a burst of events is one update of the page. */
export class Batch<T> {
  readonly #items: T[] = [];
  readonly #update: (items: readonly T[]) => void;
  #scheduled = false;

  constructor(update: (items: readonly T[]) => void) {
    this.#update = update;
  }

  add(item: T): void {
    this.#items.push(item);
    if (this.#items.length >= 1000) this.flush();
    else this.#schedule();
  }

  /** Do not wait for the next frame; a page that has just been hidden would wait for it in vain. */
  flush(): void {
    this.#scheduled = false;
    if (this.#items.length) this.#update(this.#items.splice(0));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const take = () => this.#scheduled && this.flush();
    // A hidden page gets no animation frames; its title goes on, once a second.
    if (document.visibilityState === "hidden") setTimeout(take, 1000);
    else requestAnimationFrame(take);
  }
}
