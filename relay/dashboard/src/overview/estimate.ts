/** How far a run is, as the script says or as earlier runs let expect. */
import type { PastRun } from "../events";
import type { ScriptRow } from "../live/store";

export interface Estimate {
  /** 0–100 */
  percent: number;
  /** Milliseconds to go; null where that cannot be told, 0 where it should be over by now. */
  left: number | null;
  /** What the script says of it. */
  text: string;
  /** From earlier runs, not from what the script says. */
  guessed: boolean;
}

/** Earlier successes needed for a guess. */
const ENOUGH = 3;

/** Of the script's oldest run under way; null where there is none, or nothing to go by. */
export function estimate(row: ScriptRow, now: number): Estimate | null {
  const [oldest] = row.runs;
  if (!oldest || oldest.startedAt === null) return null;
  const { id, startedAt } = oldest;
  const progress = row.progress.get(id);
  const passed = Math.max(0, now - startedAt);
  if (progress) {
    const percent = Math.min(100, Math.max(0, progress.percent));
    const left = percent > 0 ? (passed * (100 - percent)) / percent : null;
    return { percent, left, text: progress.text, guessed: false };
  }
  const completed = (row.recent ?? []).filter(({ status }) => status === "completed");
  const usual = completed.length < ENOUGH ? null : medianDuration(completed);
  if (usual === null || usual < 1000) return null;
  return { percent: Math.min(100, (100 * passed) / usual), left: Math.max(0, usual - passed), text: "", guessed: true };
}

/** In milliseconds; null of no runs. */
export function medianDuration(runs: readonly PastRun[]): number | null {
  const durations = runs.map(({ duration }) => duration).sort((a, b) => a - b);
  return durations[durations.length >> 1] ?? null;
}
