/**
 * Scrolling through a list of any length, of which only the rows near the view are drawn.
 *
 * The drawn rows stick to the view and are shifted within it: what is where goes by the row at the top of the view,
 * and their heights are what the browser made them, so they may be wrapped. The scroll bar is told afterwards. A
 * small movement of it (wheel, touch) moves the rows by the same pixels; a large one (dragging it) is a jump.
 */
import { type Extent, heightOf, movedBy, type Place, placeAt, scrollTopOf } from "./place";

/** Pixels of a row that is not wrapped: `--line` in `output.css`. */
export const ROW = 20;
/** The drawn range moves by so many rows, so that not every pixel is a new one. */
const STEP = 8;
/** Milliseconds without movement after which the scroll bar is put where it belongs. */
const IDLE = 150;
/** A movement of more than so many views is a jump. */
const JUMP = 3;

export interface Range {
  readonly first: number;
  readonly end: number;
}

export class Scrolling {
  /** The view stays at the end of the list. */
  following: boolean;
  /** How many rows there were when the reader left the end; null while following. */
  leftAt: number | null = null;
  readonly #redraw: () => void;
  #scroller: HTMLElement | null = null;
  #list: HTMLElement | null = null;
  #rows = 0;
  #view = 600;
  #place: Place = { row: 0, into: 0 };
  #drawn: Range = { first: 0, end: 0 };
  /** Of the view from the top of the drawn rows, in pixels. */
  #offset = 0;
  /** Where the scroll bar was put or found last. */
  #scrollTop = 0;
  #moved = 0;
  #measured = { pixels: ROW, rows: 1 };

  constructor(redraw: () => void, following: boolean) {
    this.#redraw = redraw;
    this.following = following;
  }

  attach(scroller: HTMLElement, list: HTMLElement): () => void {
    this.#scroller = scroller;
    this.#list = list;
    const onScroll = () => this.#scrolled();
    scroller.addEventListener("scroll", onScroll, { passive: true });
    const observer = new ResizeObserver(() => {
      this.#view = scroller.clientHeight;
      this.forget();
      this.#redraw();
    });
    observer.observe(scroller);
    return () => {
      scroller.removeEventListener("scroll", onScroll);
      observer.disconnect();
    };
  }

  /** The rows to draw, of so many. */
  range(rows: number): Range {
    this.#rows = rows;
    if (this.#place.row >= rows && rows) this.#place = { row: rows - 1, into: this.#place.into };
    this.#drawn = this.#range();
    return this.#drawn;
  }

  /** The same lines are in other rows now. */
  moveRows(moved: (row: number) => number): void {
    this.#place = { ...this.#place, row: moved(this.#place.row) };
    if (this.leftAt !== null) this.leftAt = moved(this.leftAt);
  }

  /** The row at the top of the view. */
  get top(): number {
    return this.#placeOf(this.#offset).row;
  }

  /** The heights that were measured hold no longer: the rows are wrapped otherwise. */
  forget(): void {
    this.#measured = { pixels: ROW, rows: 1 };
  }

  follow(on = true): void {
    this.following = on;
    this.leftAt = on ? null : this.#rows;
    if (!on) this.#place = this.#placeOf(this.#offset);
    this.#redraw();
  }

  toStart(): void {
    this.#leave({ row: 0, into: 0 });
    this.#redraw();
  }

  /** Show a row in the upper part of the view. */
  show(row: number): void {
    this.#leave({ row, into: -Math.floor(this.#view / 3) });
    this.#redraw();
  }

  /** Whether a row is in view as a whole. */
  shows(row: number): boolean {
    const element = this.#list?.children[row - this.#drawn.first] as HTMLElement | undefined;
    if (!element) return false;
    return element.offsetTop >= this.#offset && element.offsetTop + element.offsetHeight <= this.#offset + this.#view;
  }

  page(step: 1 | -1): void {
    this.move(step * (this.#view - ROW));
  }

  /** Move by pixels. */
  move(pixels: number): void {
    const { first, end } = this.#drawn;
    const lowest = this.#list!.offsetHeight - this.#view;
    if (lowest <= 0 && first === 0 && end === this.#rows) return; // all of it is in view
    const offset = this.#offset + pixels;
    if (end === this.#rows && offset >= lowest && pixels > 0) {
      this.follow();
      return;
    }
    if (offset < 0 && first > 0) this.#leave(movedBy({ row: first, into: 0 }, offset, this.#extent));
    else if (offset > lowest) this.#leave(movedBy(this.#placeOf(lowest), offset - lowest, this.#extent));
    else this.#leave(this.#placeOf(Math.max(0, offset)));
    const range = this.#range();
    if (range.first !== first || range.end !== end) this.#redraw();
    else this.layout();
  }

  /** Put the drawn rows where they belong; to be called whenever they were drawn. */
  layout(): void {
    const [scroller, list] = [this.#scroller!, this.#list!];
    const { first, end } = this.#drawn;
    const height = list.offsetHeight;
    if (end > first) {
      this.#measured.pixels += height;
      this.#measured.rows += end - first;
    }
    const lowest = end === this.#rows ? Math.max(0, height - this.#view) : Infinity;
    const row = list.children[this.#place.row - first] as HTMLElement | undefined;
    const offset = this.following ? lowest : (row?.offsetTop ?? 0) + this.#place.into;
    this.#offset = Math.min(lowest, first === 0 ? Math.max(0, offset) : offset);
    list.style.transform = `translateY(${-this.#offset}px)`;
    const layer = list.parentElement!;
    layer.style.height = `${this.#view}px`;
    const before = scroller.scrollTop;
    layer.parentElement!.style.height = `${heightOf(this.#extent)}px`;
    this.#scrollTop += scroller.scrollTop - before; // a change of the height moves it, which is no wish of the reader's
    if (performance.now() - this.#moved >= IDLE) this.#tellScrollBar();
  }

  get #extent(): Extent {
    return { rows: this.#rows, height: this.#measured.pixels / this.#measured.rows, view: this.#view };
  }

  #range(): Range {
    const visible = Math.ceil(this.#view / ROW);
    const top = this.following ? this.#rows - visible : this.#place.row;
    const first = Math.max(0, Math.floor((Math.min(top, this.#rows - visible) - visible) / STEP) * STEP);
    return { first, end: Math.min(this.#rows, Math.ceil((top + 2 * visible) / STEP) * STEP) };
  }

  #leave(place: Place): void {
    this.leftAt ??= this.#rows;
    this.#place = place;
    if (!this.following) return;
    this.following = false;
    this.#redraw();
  }

  /** The row that is so many pixels below the top of the drawn ones. */
  #placeOf(offset: number): Place {
    const rows = this.#list?.children ?? [];
    let [low, high] = [0, Math.max(0, rows.length - 1)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((rows[middle] as HTMLElement).offsetTop <= offset) low = middle;
      else high = middle - 1;
    }
    const top = (rows[low] as HTMLElement | undefined)?.offsetTop ?? 0;
    return { row: this.#drawn.first + low, into: offset - top };
  }

  #scrolled(): void {
    const top = this.#scroller!.scrollTop;
    const pixels = top - this.#scrollTop;
    this.#scrollTop = top;
    if (!pixels) return; // it was put there by `#tellScrollBar`
    this.#moved = performance.now();
    setTimeout(() => {
      if (performance.now() - this.#moved >= IDLE) this.#tellScrollBar();
    }, IDLE);
    const lowest = heightOf(this.#extent) - this.#view;
    if (Math.abs(pixels) <= JUMP * this.#view) this.move(pixels);
    else if (top >= lowest - 1) this.follow();
    else {
      this.#leave(placeAt(top, this.#extent));
      this.#redraw();
    }
    // At an end of the bar the reader could not go on, though there may be more of the list.
    if (top <= 0 || top >= lowest - 1) this.#tellScrollBar();
  }

  #tellScrollBar(): void {
    const scroller = this.#scroller!;
    if (scroller.scrollTop !== this.#scrollTop) return; // the reader has moved it just now, which is still to be told
    const lowest = heightOf(this.#extent) - this.#view;
    const wanted = this.following ? lowest : scrollTopOf(this.#place, this.#extent);
    if (Math.abs(scroller.scrollTop - wanted) >= 1) scroller.scrollTop = wanted;
    this.#scrollTop = scroller.scrollTop;
  }
}
