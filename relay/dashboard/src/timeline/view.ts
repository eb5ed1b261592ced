/** The stretch of time that the timeline shows, in Unix ms, and how it is zoomed and panned. */

export interface View {
  readonly from: number;
  readonly to: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How far back the timeline goes, and how far ahead. */
export const PAST = DAY;
export const AHEAD = 6 * HOUR;
/** It cannot be zoomed in any further. */
export const SHORTEST = MINUTE;

/** All that there is to see. */
export function whole(now: number): View {
  return { from: now - PAST, to: now + AHEAD };
}

/** The last `past` milliseconds, and a quarter as much of what is to come. */
export function recent(past: number, now: number): View {
  return { from: now - past, to: now + past / 4 };
}

/** Show `factor` times as much time, `at` staying where it is; within `limits`. */
export function zoomed({ from, to }: View, factor: number, at: number, limits: View): View {
  const span = Math.min(limits.to - limits.from, Math.max(SHORTEST, (to - from) * factor));
  return within(at - ((at - from) / (to - from)) * span, span, limits);
}

/** Show what is `by` milliseconds later; within `limits`. */
export function panned({ from, to }: View, by: number, limits: View): View {
  return within(from + by, to - from, limits);
}

function within(from: number, span: number, limits: View): View {
  const start = Math.max(limits.from, Math.min(from, limits.to - span));
  return { from: start, to: start + span };
}

const STEPS = [
  SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR,
  6 * HOUR, 12 * HOUR, DAY,
];

export interface Ticks {
  /** Milliseconds from one to the next. */
  readonly step: number;
  readonly at: readonly number[];
}

/** At most `most` round times of the reader's clock. */
export function ticks({ from, to }: View, most: number): Ticks {
  const step = STEPS.find((each) => (to - from) / each <= most) ?? DAY;
  const midnight = new Date(from);
  midnight.setHours(0, 0, 0, 0);
  const at: number[] = [];
  for (let passed = 0; ; passed += step) {
    // Hours go by the clock on the wall, which is set twice a year.
    const next = step < HOUR ? midnight.getTime() + passed : new Date(midnight).setHours(passed / HOUR);
    if (next > to) return { step, at };
    if (next >= from && next !== at.at(-1)) at.push(next);
  }
}
