/** Going through a whole output for some of its lines: those that contain a text, or those of one stream. */
import type { OutputPage } from "../api/output";
import { after } from "./find";
import type { Line } from "./pages";
import type { Rows } from "./runOutput";

export interface ScanOptions {
  /** Ask for such lines, as many as one may ask for at a time. */
  ask(from: number): Promise<OutputPage>;
  /** Keep the lines themselves, too. */
  keeping: boolean;
  onChange(): void;
}

/** More of them are not gone through. */
const MOST_FOUND = 1_000_000;
const MOST_CHARACTERS = 50_000_000;

export class Scan {
  /** Those found, in order. */
  readonly numbers: number[] = [];
  readonly #lines: Line[] = [];
  /** The output was gone through, as far as there was one. */
  done = false;
  problem: unknown = null;
  readonly #options: ScanOptions;
  #next = 0;
  /** Lines there are, so far. */
  #total = 0;
  #going = false;
  #closed = false;
  #characters = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  /** There is more than is kept. */
  get full(): boolean {
    return this.numbers.length >= MOST_FOUND || this.#characters >= MOST_CHARACTERS;
  }

  get rows(): Rows {
    return {
      count: this.numbers.length,
      finished: this.numbers.length,
      line: (row) => this.#lines[row],
      numberOf: (row) => this.numbers[row] ?? 0,
      rowOf: (number) => Math.min(after(this.numbers, number - 1), Math.max(0, this.numbers.length - 1)),
    };
  }

  /** Go on to the end, if it is not on the way already. `total` is how many lines there are. */
  async go(total: number): Promise<void> {
    this.#total = total;
    if (this.#going || this.#closed || (this.done && this.#next >= total)) return;
    this.#going = true;
    this.done = false;
    this.problem = null;
    try {
      while (!this.done && !this.#closed) this.#take(await this.#options.ask(this.#next));
    } catch (error) {
      this.problem = error;
    }
    this.#going = false;
    if (!this.#closed) this.#options.onChange();
  }

  close(): void {
    this.#closed = true;
  }

  #take(page: OutputPage): void {
    if (this.#closed) return;
    for (const [index, number] of (page.numbers ?? []).entries()) {
      if (number >= this.#total) break; // nobody has been told of it yet
      this.numbers.push(number);
      if (!this.#options.keeping) continue;
      const line = page.lines[index]!;
      this.#lines.push(line);
      this.#characters += line[2].length;
    }
    this.done = page.next === null || page.next >= this.#total || page.next === this.#next || this.full;
    this.#next = Math.min(page.next ?? page.total, this.#total);
    this.#options.onChange();
  }
}
