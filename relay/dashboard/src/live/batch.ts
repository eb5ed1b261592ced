/** Gathers what comes in between two animation frames, so that a burst of events is one update of the page. */
/** A hidden page is brought up to date after so many milliseconds. */
const HIDDEN = 1_000;

export class Batch<T> {
  readonly #items: T[] = [];
  readonly #update: (items: readonly T[]) => void;
  #scheduled = false;
  #flushedAt = 0;

  constructor(update: (items: readonly T[]) => void) {
    this.#update = update;
  }

  add(item: T): void {
    this.#items.push(item);
    if (this.#items.length >= 1000 || this.#isLate()) this.flush();
    else this.#schedule();
  }

  /** Do not wait for the next frame; a page that has just been hidden would wait for it in vain. */
  flush(): void {
    this.#scheduled = false;
    this.#flushedAt = Date.now();
    if (this.#items.length) this.#update(this.#items.splice(0));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const take = () => this.#scheduled && this.flush();
    // A hidden page gets no animation frames; its title goes on, once a second.
    if (document.visibilityState === "hidden") setTimeout(take, HIDDEN);
    else requestAnimationFrame(take);
  }

  /** The timers of a page that is hidden for long run once a minute, while frames of the stream come as ever. */
  #isLate(): boolean {
    return document.visibilityState === "hidden" && Date.now() - this.#flushedAt >= HIDDEN;
  }
}
