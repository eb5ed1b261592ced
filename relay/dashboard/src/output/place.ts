/**
 * Where the reader is in a list of rows, and what that is on the scroll bar.
 *
 * Browsers make no element as high as a million rows. So a list is at most TALLEST high, and the scroll bar tells of
 * a longer one in proportion. Small movements are exact all the same: see `Scrolling`.
 */

/** The row at the top of the view, and how much of it is above: pixels. */
export interface Place {
  readonly row: number;
  readonly into: number;
}

/** Pixels, but for `rows`. */
export interface Extent {
  readonly rows: number;
  /** Of a row, on average. */
  readonly height: number;
  readonly view: number;
}

/** Pixels; the lowest limit of a browser in use is about 17 million. */
export const TALLEST = 8_000_000;

/** How high the list is. */
export function heightOf(extent: Extent): number {
  return Math.min(TALLEST, wholeOf(extent));
}

export function scrollTopOf(place: Place, extent: Extent): number {
  const [scrollable, whole] = [heightOf(extent) - extent.view, wholeOf(extent) - extent.view];
  if (whole <= 0) return 0;
  return Math.min(scrollable, Math.max(0, ((place.row * extent.height + place.into) / whole) * scrollable));
}

export function placeAt(scrollTop: number, extent: Extent): Place {
  const [scrollable, whole] = [heightOf(extent) - extent.view, wholeOf(extent) - extent.view];
  if (scrollable <= 0) return { row: 0, into: 0 };
  const pixels = Math.min(1, Math.max(0, scrollTop / scrollable)) * whole;
  const row = Math.floor(pixels / extent.height);
  return { row, into: pixels - row * extent.height };
}

/** A place so many pixels further down, as far as the average tells. */
export function movedBy(place: Place, pixels: number, { height, rows }: Extent): Place {
  const at = Math.max(0, place.row * height + place.into + pixels);
  const row = Math.min(Math.max(0, rows - 1), Math.floor(at / height));
  return { row, into: at - row * height };
}

function wholeOf({ rows, height, view }: Extent): number {
  return Math.max(view, rows * height);
}
