/** Where in its lane everything of a script stands, as numbers: nothing is drawn here. Times are Unix ms. */
import type { Planned } from "../api/planned";
import type { TimedRun } from "./collection";
import type { View } from "./view";

/** A run or a start that did not happen; `row` of `rows` is its share of the lane's height, from 0 at the top. */
export interface Placed {
  readonly run: TimedRun;
  /** Pixels from the left of the view; what began before it is negative. */
  readonly left: number;
  readonly width: number;
  readonly row: number;
  readonly rows: number;
}

export interface Lane {
  readonly runs: readonly Placed[];
  /** Where more than one run was under way, in pixels. */
  readonly overlaps: readonly Stretch[];
  /** Planned starts one by one, in pixels. */
  readonly ghosts: readonly Ghost[];
  /** Planned starts that are too close to each other to be told apart. */
  readonly bands: readonly Stretch[];
}

export interface Stretch {
  readonly left: number;
  readonly right: number;
}

export interface Ghost {
  readonly at: number;
  readonly left: number;
}

/** Nothing is narrower, in pixels, so that it can be seen. */
const NARROWEST = 2;
/** Planned starts nearer to each other than that become a band. */
const APART = 7;
/** What is within so many pixels of the pointer is what is pointed at. */
const NEAR = 5;

export function place(
  runs: readonly TimedRun[], planned: Planned | null, view: View, width: number, now: number, horizon: number,
): Lane {
  const scale = width / (view.to - view.from);
  const x = (time: number) => (time - view.from) * scale;
  const shown = runs.filter((run) => run.start <= view.to && (run.end ?? now) >= view.from);
  const { starts, more } = planned ?? { starts: [], more: false };
  const { single, bands } = gathered(starts.filter((at) => at > now), more ? horizon : null, APART / scale);
  return {
    runs: packed(shown, now).map(({ run, row, rows }) => {
      const left = x(run.start);
      return { run, row, rows, left, width: Math.max(NARROWEST, x(run.end ?? Math.max(now, run.start)) - left) };
    }),
    overlaps: overlaps(shown, now).map(({ from, to }) => ({ left: x(from), right: x(to) })),
    ghosts: single.map((at) => ({ at, left: x(at) })).filter(({ left }) => left >= 0 && left <= width),
    bands: bands
      .map(({ from, to }) => ({ left: Math.max(0, x(from)), right: Math.min(width, x(to)) }))
      .filter(({ left, right }) => right > left),
  };
}

/** Runs that were under way at the same time are put below each other; `runs` come the earliest start first. */
export function packed(runs: readonly TimedRun[], now: number): { run: TimedRun; row: number; rows: number }[] {
  const done: { run: TimedRun; row: number; rows: number }[] = [];
  let group: { run: TimedRun; row: number }[] = [];
  let ends: number[] = [];
  const close = () => {
    done.push(...group.map((each) => ({ ...each, rows: Math.max(1, ends.length) })));
    group = [];
    ends = [];
  };
  for (const run of runs) {
    if (run.status === "skipped") {
      group.push({ run, row: 0 }); // a mark, which takes no room
      continue;
    }
    if (ends.every((end) => end <= run.start)) close();
    const free = ends.findIndex((end) => end <= run.start);
    const row = free < 0 ? ends.length : free;
    ends[row] = run.end ?? now;
    group.push({ run, row });
  }
  close();
  return done;
}

/** When more than one of the runs was under way. */
export function overlaps(runs: readonly TimedRun[], now: number): View[] {
  const found: View[] = [];
  let until = -Infinity;
  for (const run of runs) {
    if (run.status === "skipped" || run.waiting) continue;
    const end = run.end ?? now;
    const to = Math.min(until, end);
    if (to > run.start) {
      const last = found.at(-1);
      if (last && last.to >= run.start) found[found.length - 1] = { from: last.from, to: Math.max(last.to, to) };
      else found.push({ from: run.start, to });
    }
    until = Math.max(until, end);
  }
  return found;
}

/**
 * Planned starts, those that are less than `apart` milliseconds from the next as bands of three and more.
 *
 * `horizon` is up to when there are further ones than were told, null where all were told.
 */
export function gathered(
  starts: readonly number[], horizon: number | null, apart: number,
): { single: number[]; bands: View[] } {
  const single: number[] = [];
  const bands: View[] = [];
  for (let first = 0; first < starts.length; ) {
    let last = first;
    while (last + 1 < starts.length && starts[last + 1]! - starts[last]! < apart) last += 1;
    if (last - first >= 2) bands.push({ from: starts[first]!, to: starts[last]! });
    else single.push(...starts.slice(first, last + 1));
    first = last + 1;
  }
  const end = starts.at(-1);
  if (horizon !== null && end !== undefined && end < horizon) {
    const last = bands.at(-1);
    if (last?.to === end) bands[bands.length - 1] = { from: last.from, to: horizon };
    else bands.push({ from: end, to: horizon });
  }
  return { single, bands };
}

/** What is at a point, `y` being the share of the lane's height from its top. Marks lie above bars. */
export function pointedAt(lane: Lane, x: number, y: number): Placed | Ghost | null {
  let best: Placed | Ghost | null = null;
  let least = NEAR;
  const look = (item: Placed | Ghost, left: number, right: number) => {
    const distance = Math.max(0, left - x, x - right);
    if (distance < least || (distance === 0 && least === 0)) [best, least] = [item, distance];
  };
  for (const ghost of lane.ghosts) look(ghost, ghost.left, ghost.left);
  for (const placed of lane.runs) {
    const inRow = placed.rows === 1 || Math.min(placed.rows - 1, Math.floor(y * placed.rows)) === placed.row;
    if (placed.run.status !== "skipped" && inRow) look(placed, placed.left, placed.left + placed.width);
  }
  for (const placed of lane.runs) {
    if (placed.run.status === "skipped" && Math.abs(x - placed.left) <= NEAR) best = placed;
  }
  return best;
}
