/** Ended runs by weekday and hour of the reader's clock. */
import type { PastRun } from "../events";
import { isFailure } from "../live/summary";

export interface Cell {
  runs: number;
  failed: number;
}

/** Monday first: index 0–6; of each day, 24 hours. */
export type HeatMap = readonly (readonly Cell[])[];

export function heatMap(runs: Iterable<PastRun>): HeatMap {
  const days = Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => ({ runs: 0, failed: 0 })));
  for (const run of runs) {
    const start = new Date(run.started_at);
    const cell = days[(start.getDay() + 6) % 7]![start.getHours()]!;
    cell.runs += 1;
    if (isFailure(run)) cell.failed += 1;
  }
  return days;
}

/** 0 where nothing failed, else 1–4 by the share of runs that did: up to a tenth, a third, two thirds, and more. */
export function heat({ runs, failed }: Cell): 0 | 1 | 2 | 3 | 4 {
  if (!failed) return 0;
  const share = failed / runs;
  return share <= 0.1 ? 1 : share <= 1 / 3 ? 2 : share <= 2 / 3 ? 3 : 4;
}
