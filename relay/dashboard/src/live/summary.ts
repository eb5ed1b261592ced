/** The state of all scripts in a few numbers. */
import type { FailureReason, SkipReason, Status } from "../events";
import type { ScriptRow } from "./store";

export interface Summary {
  /** Runs under way. */
  running: number;
  /** Scripts that they are of. */
  busy: number;
  /** Scripts whose last run failed. */
  failing: number;
  overdue: number;
  /** The script that starts next; one whose start its own run holds up only where there is no other. */
  next: ScriptRow | null;
}

/** A script of which the last run went wrong by itself: not one that somebody stopped. */
export function isFailing(row: ScriptRow): boolean {
  return row.result !== null && isFailure(row.result);
}

/** A run, or what is told of it, that went wrong by itself: not one that was stopped, or had to make way for the next. */
export function isFailure({ status, reason }: { status: Status; reason: FailureReason | SkipReason | null }): boolean {
  return status === "failed" && reason !== "cancelled";
}

/** A script that has gone without success for longer than its `success_age_limit`; not one that has never run. */
export function isOverdue(row: ScriptRow, now: number): boolean {
  const since = row.lastSuccess ?? row.withoutSuccessSince;
  return row.enabled && row.successAgeLimit !== null && since !== null && now - since > row.successAgeLimit;
}

/** Whether a start that comes now does not begin at its time, the script's own run being under way still. */
export function isHeldUp({ runs, overlap }: ScriptRow): boolean {
  return runs.length > 0 && (overlap === "skip" || overlap === "queue");
}

export function summarize(rows: ReadonlyMap<string, ScriptRow>, now: number): Summary {
  const summary: Summary = { running: 0, busy: 0, failing: 0, overdue: 0, next: null };
  for (const row of rows.values()) {
    summary.running += row.runs.length;
    if (row.runs.length) summary.busy += 1;
    if (isFailing(row)) summary.failing += 1;
    if (isOverdue(row, now)) summary.overdue += 1;
    if (row.enabled && row.nextStart !== null && row.nextStart > now && isSooner(row, summary.next)) summary.next = row;
  }
  return summary;
}

function isSooner(row: ScriptRow, other: ScriptRow | null): boolean {
  if (other === null) return true;
  if (isHeldUp(row) !== isHeldUp(other)) return isHeldUp(other);
  return row.nextStart! < other.nextStart!;
}
