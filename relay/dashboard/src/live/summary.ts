/** The state of all scripts in a few numbers. */
import type { ScriptRow } from "./store";

export interface Summary {
  /** Runs under way. */
  running: number;
  /** Scripts whose last run failed. */
  failing: number;
  overdue: number;
  /** The script that starts next, and when. */
  next: { name: string; at: number } | null;
}

/** A script of which the last run went wrong by itself: not one that somebody stopped. */
export function isFailing(row: ScriptRow): boolean {
  return row.result?.status === "failed" && row.result.reason !== "cancelled";
}

/** A script that has gone without success for longer than its `success_age_limit`. */
export function isOverdue(row: ScriptRow, now: number): boolean {
  const { enabled, successAgeLimit, lastSuccess } = row;
  return enabled && successAgeLimit !== null && lastSuccess !== null && now - lastSuccess > successAgeLimit;
}

export function summarize(rows: ReadonlyMap<string, ScriptRow>, now: number): Summary {
  const summary: Summary = { running: 0, failing: 0, overdue: 0, next: null };
  for (const row of rows.values()) {
    summary.running += row.runs.length;
    if (isFailing(row)) summary.failing += 1;
    if (isOverdue(row, now)) summary.overdue += 1;
    const at = row.enabled ? row.nextStart : null;
    if (at !== null && at > now && (summary.next === null || at < summary.next.at)) {
      summary.next = { name: row.name, at };
    }
  }
  return summary;
}
