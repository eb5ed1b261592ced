/**
 * One run's output: the lines that are looked at, and how many there are.
 *
 * What is in view is fetched page by page, one request at a time; what is written meanwhile comes by the stream.
 */
import type { OutputPage } from "../api/output";
import type { Output, Stream } from "../events";
import { Gaps } from "./gaps";
import { type Line, PAGE, Pages } from "./pages";

export interface RunOutputOptions {
  /** Ask for lines, of all streams. */
  ask(from: number, limit: number): Promise<OutputPage>;
  /** Something is there to be drawn anew. */
  onChange(): void;
}

/** What is written of a line that has no end yet: stream and text. */
export type Unfinished = NonNullable<Output["partial"]>[number];

export class RunOutput {
  readonly pages = new Pages();
  /** At most one of each stream. */
  unfinished: readonly Unfinished[] = [];
  /** The reader wants it to stand still: what is written from now on is not there. */
  held = false;
  gaps = new Gaps();
  /** How many lines there are; null before that is known. */
  total: number | null = null;
  /** Why lines could not be fetched; until `retry`. */
  problem: unknown = null;
  readonly #options: RunOutputOptions;
  #wanted: { first: number; end: number } | null = null;
  #fetching = false;
  /** How often the stream has told something. */
  #told = 0;

  constructor(options: RunOutputOptions) {
    this.#options = options;
  }

  /** Look at it for the first time; true where that went well. */
  async open(): Promise<boolean> {
    await this.#attempt(async () => {
      await this.#fetch(0, PAGE);
      // What is dropped of a long output is its middle: knowing it, the rows are counted right from the start.
      if (this.total! > PAGE) await this.#fetch(Math.floor(this.total! / 2), PAGE);
    });
    return this.problem === null;
  }

  /** The lines of these numbers are in view: fetch those that are missing. */
  want(first: number, end: number): void {
    this.pages.touch(first, end);
    this.#wanted = { first, end };
    void this.#work();
  }

  /** Lines of the stream. */
  append({ from, lines, partial = [] }: Output): void {
    this.#told += 1;
    this.unfinished = partial;
    this.pages.put(from, lines);
    this.total = Math.max(this.total ?? 0, from + lines.length);
    this.#options.onChange();
  }

  /** Ask for what was written meanwhile. */
  async more(): Promise<void> {
    await this.#attempt(() => this.#fetch(this.total ?? 0, PAGE));
  }

  async retry(): Promise<void> {
    this.problem = null;
    if (this.total === null) await this.open();
    else await this.#work();
    this.#options.onChange();
  }

  async #work(): Promise<void> {
    if (this.#fetching || this.problem !== null) return;
    this.#fetching = true;
    await this.#attempt(async () => {
      for (let number; (number = this.#missing()) !== null; ) {
        const start = number - (number % PAGE);
        const from = this.pages.get(start) ? number : start;
        const page = await this.#fetch(from, start + PAGE - from);
        // Nothing was learned: it is not there, though it was said to be.
        if (page.from + page.lines.length <= from && page.dropped_from === null) break;
      }
    });
    this.#fetching = false;
  }

  /** The first number that is wanted and missing; null where there is none. */
  #missing(): number | null {
    if (!this.#wanted || this.total === null) return null;
    const end = this.gaps.rowOf(Math.min(this.#wanted.end, this.total));
    for (let row = this.gaps.rowOf(this.#wanted.first); row < end; row++) {
      const number = this.gaps.lineOf(row);
      if (!this.pages.get(number)) return number;
    }
    return null;
  }

  async #fetch(from: number, limit: number): Promise<OutputPage> {
    const told = this.#told;
    const page = await this.#options.ask(from, limit);
    const end = page.from + page.lines.length;
    if (page.dropped_from !== null) this.gaps = this.gaps.with(page.dropped_from, page.from);
    // Where a marker ends the page, the next line is further on.
    if (page.lines.length) this.gaps = this.gaps.with(end - 1, page.next ?? page.total);
    this.pages.put(page.from, page.lines);
    if (!this.held || this.total === null) {
      this.total = Math.max(this.total ?? 0, page.total);
      // What the stream has told meanwhile is newer.
      if (told === this.#told && (page.next ?? page.total) >= page.total) this.unfinished = page.partial ?? [];
    }
    this.#options.onChange();
    return page;
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.problem = error;
      this.#options.onChange();
    }
  }
}

/** All lines, a dropped stretch being one row. */
export function allRows({ pages, gaps, total }: RunOutput): Rows {
  const count = gaps.rowOf(total ?? 0);
  return {
    count,
    finished: count,
    line: (row) => pages.get(gaps.lineOf(row)),
    numberOf: (row) => gaps.lineOf(row),
    rowOf: (number) => gaps.rowOf(number),
  };
}

/** With those at the end that are not finished. */
export function withUnfinished(rows: Rows, { total, unfinished }: RunOutput, stream: Stream | undefined): Rows {
  const more = stream ? unfinished.filter(([each]) => each === stream) : unfinished;
  if (!more.length) return rows;
  return {
    count: rows.count + more.length,
    finished: rows.count,
    line: (row) => (row < rows.count ? rows.line(row) : [0, ...more[row - rows.count]!]),
    numberOf: (row) => (row < rows.count ? rows.numberOf(row) : total! + row - rows.count),
    rowOf: rows.rowOf,
  };
}

/** What a list of lines is to the one who scrolls through it. */
export interface Rows {
  readonly count: number;
  /** How many of them are whole lines; the others, at the end, grow still. */
  readonly finished: number;
  line(row: number): Line | undefined;
  /** Number of the line in a row. */
  numberOf(row: number): number;
  /** The row of a line, or of one near it where it has none. */
  rowOf(number: number): number;
}
