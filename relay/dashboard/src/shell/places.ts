/**
 * What the reader left behind in each place, by the step of the browser's history: who goes back, or reloads, finds it
 * as it was. A place that is come to by a link begins at its top.
 */
import { effect } from "@preact/signals";
import { step } from "../route";

interface Kept {
  /** How far the page was scrolled, in pixels. */
  top: number;
  /** How many entries of a list were loaded, by what it lists. */
  readonly loaded: Record<string, number>;
}

const KEY = "cronscope.places";
/** Steps further back are forgotten. */
const MOST = 50;
/** A place is as it was once nothing in it has grown for so many milliseconds. */
const SETTLED = 1_000;
/** What the reader does by which the page moves. */
const MOVES = ["wheel", "touchstart", "pointerdown", "keydown"];

const places = new Map<number, Kept>(read());

/** Where the page is about to be scrolled to, as soon as it is high enough. */
let wanted: number | null = null;

/** The place where the reader is; what is put into it is there after going back to it. */
export function here(): Kept {
  const kept = places.get(step.value) ?? { top: 0, loaded: {} };
  places.delete(step.value);
  places.set(step.value, kept); // the latest is last
  return kept;
}

/** Note where the reader is on leaving for another place, or the page. */
export function keepPlaces(): void {
  history.scrollRestoration = "manual"; // the browser does not wait for what is yet to come
  let at: Kept | null = null;
  const leave = () => {
    if (at) at.top = wanted ?? scrollY;
  };
  effect(() => {
    leave(); // the next place is not drawn yet
    at = here();
  });
  addEventListener("pagehide", () => {
    leave();
    write();
  });
}

/** Scroll to where the reader was in this place, also where it takes a while to be as high again; until they move. */
export function arrive(): () => void {
  const { top } = here();
  scrollTo(0, top);
  if (!top) return () => {};
  wanted = top;
  const { style } = document.documentElement;
  style.overflowAnchor = "none"; // what comes above does not push the reader down
  let timer = setTimeout(stop, SETTLED);
  const grown = new ResizeObserver(() => {
    scrollTo(0, top);
    clearTimeout(timer);
    timer = setTimeout(stop, SETTLED);
  });
  grown.observe(document.body);
  for (const move of MOVES) addEventListener(move, stop, { capture: true, passive: true });

  function stop() {
    wanted = null;
    style.overflowAnchor = "";
    clearTimeout(timer);
    grown.disconnect();
    for (const move of MOVES) removeEventListener(move, stop, { capture: true });
  }
  return stop;
}

function read(): [number, Kept][] {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "[]") as [number, Kept][];
  } catch {
    return [];
  }
}

function write(): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify([...places].slice(-MOST)));
  } catch {
    // After a reload every place begins at its top.
  }
}
