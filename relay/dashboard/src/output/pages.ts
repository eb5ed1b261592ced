/** The lines that are at hand, a bounded part of a long output: those looked at longest ago are let go first. */
import type { Output } from "../events";
import { carried, NO_STYLE } from "./ansi";

/** Milliseconds since the run's start, stream, text. */
export type Line = Output["lines"][number];

/** Lines in a page. */
export const PAGE = 500;
const MOST_CHARACTERS = 8_000_000;

interface Page {
  readonly lines: (Line | undefined)[];
  /** The style that each stream has before a line, as far as somebody wanted to know. */
  readonly styles: Styles[];
  characters: number;
}

interface Styles {
  readonly stdout: string;
  readonly stderr: string;
}

const PLAIN: Styles = { stdout: NO_STYLE, stderr: NO_STYLE };

export class Pages {
  /** By their number; the one looked at last is the last one. */
  readonly #pages = new Map<number, Page>();
  #characters = 0;

  get(number: number): Line | undefined {
    return this.#pages.get(pageOf(number))?.lines[number % PAGE];
  }

  put(first: number, lines: readonly Line[]): void {
    lines.forEach((line, index) => {
      const number = first + index;
      const page = this.#look(pageOf(number));
      const before = page.lines[number % PAGE];
      page.lines[number % PAGE] = line;
      const more = line[2].length - (before?.[2].length ?? 0);
      page.characters += more;
      this.#characters += more;
    });
    for (const [number, page] of this.#pages) {
      if (this.#characters <= MOST_CHARACTERS || this.#pages.size <= 2) break;
      this.#pages.delete(number);
      this.#characters -= page.characters;
    }
  }

  /** Somebody looks at the lines from `first` on, before `end`. */
  touch(first: number, end: number): void {
    for (let page = pageOf(first); page * PAGE < end; page++) if (this.#pages.has(page)) this.#look(page);
  }

  /**
   * The style that a line begins with: that in which the one before it of the same stream ended.
   *
   * Lines that are not at hand are taken to have none.
   */
  styleBefore(number: number): string {
    const line = this.get(number);
    const page = this.#pages.get(pageOf(number));
    if (!line || !page) return NO_STYLE;
    const { styles, lines } = page;
    for (let index = styles.length; index <= number % PAGE; index++) {
      const [before, after] = index ? [styles[index - 1]!, lines[index - 1]] : [this.#lastStyle(pageOf(number) - 1), undefined];
      styles.push(after ? { ...before, [after[1]]: carried(before[after[1]], after[2]) } : before);
    }
    return styles[number % PAGE]![line[1]];
  }

  #lastStyle(page: number): Styles {
    const last = this.#pages.get(page)?.lines[PAGE - 1];
    const style = last && this.#pages.get(page)?.styles[PAGE - 1];
    return style ? { ...style, [last[1]]: carried(style[last[1]], last[2]) } : PLAIN;
  }

  #look(number: number): Page {
    const page = this.#pages.get(number) ?? { lines: [], styles: [], characters: 0 };
    this.#pages.delete(number);
    this.#pages.set(number, page);
    return page;
  }
}

function pageOf(number: number): number {
  return Math.floor(number / PAGE);
}
