/** Where in time the reader looks: along with the present, or at a stretch that stands still. */
import { signal } from "@preact/signals";
import { clock } from "../live/clock";
import { PAST, panned, recent, SHORTEST, type View, whole, zoomed } from "./view";

/** `past`: the last so many milliseconds, and a little of what is to come. */
type Place = { readonly past: number } | { readonly view: View };

const HOUR = 3_600_000;

/** How far back the reader may look with one press. */
export const RANGES = [HOUR, 6 * HOUR, PAST];

/** Where the page looks until the reader has said where to. */
let untold: { readonly past: number } = { past: PAST };

/** It outlives a look at another place. */
export const place = signal<Place>(untold);

/** Until the reader has said where to look: as far back as there is something to be seen, `oldest` being the first. */
export function fit(oldest: number): void {
  const past = RANGES.find((range) => oldest > clock.now() - range);
  if (place.value === untold && untold.past === PAST && past !== undefined) place.value = untold = { past };
}

/** What the reader has said, as parameters of an address. */
export function placeQuery(): Record<string, string> {
  if (place.value === untold) return {};
  if ("past" in place.value) return { past: String(Math.round(place.value.past / 1000)) };
  const { from, to } = place.value.view;
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

/** What parameters of an address say; null where that is nothing, or cannot be seen. */
export function placeOf(given: URLSearchParams): Place | null {
  const past = Number(given.get("past")) * 1000;
  if (past >= SHORTEST && past <= PAST) return { past };
  const [from, to] = [Date.parse(given.get("from") ?? ""), Date.parse(given.get("to") ?? "")];
  const limits = whole(clock.now());
  const seen = to - from >= SHORTEST && to > limits.from && from < limits.to;
  return seen ? { view: zoomed({ from, to }, 1, (from + to) / 2, limits) } : null;
}

/** Look at a place, or, where there is none, where the page looks by itself. */
export function lookAt(wanted: Place | null): void {
  place.value = wanted ?? untold;
}

/** What is in view at a time. */
export function viewAt(now: number): View {
  return "past" in place.value ? recent(place.value.past, now) : place.value.view;
}

/** Show `factor` times as much time; `at` stays where it is, without it the present does. */
export function zoom(factor: number, at?: number): void {
  const now = clock.now();
  if (at === undefined && "past" in place.value) {
    place.value = { past: Math.min(PAST, Math.max(SHORTEST, place.value.past * factor)) };
    return;
  }
  const view = viewAt(now);
  look(view, zoomed(view, factor, at ?? (view.from + view.to) / 2, whole(now)));
}

/** Show what is later by a share of what is in view. */
export function pan(share: number): void {
  const now = clock.now();
  const view = viewAt(now);
  look(view, panned(view, share * (view.to - view.from), whole(now)));
}

/** Show the present again, on the same scale. */
export function toPresent(): void {
  if ("past" in place.value) return;
  const { from, to } = place.value.view;
  place.value = { past: Math.min(PAST, (to - from) * 0.8) };
}

/** What changes nothing does not stop the present from moving on. */
function look(before: View, view: View): void {
  if (view.from !== before.from || view.to !== before.to) place.value = { view };
}

const STEP = 1.5;

/** What the keys of the timeline do to it; false for others. */
export function onZoomKey(key: string): boolean {
  switch (key) {
    case "+":
    case "=":
      zoom(1 / STEP);
      return true;
    case "-":
      zoom(STEP);
      return true;
    case "ArrowLeft":
      pan(-0.2);
      return true;
    case "ArrowRight":
      pan(0.2);
      return true;
    case "Home":
      pan(-Infinity);
      return true;
    case "End":
      toPresent();
      return true;
    case "0":
      place.value = { past: PAST };
      return true;
    default:
      return false;
  }
}
