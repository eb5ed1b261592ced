/** A list of runs, newest start first, that is looked at while it grows. */
import type { RunPage } from "../api/runs";
import type { Run } from "../events";

/** The list with its first page looked at anew; what is further down stays, if it still joins on. */
export function refreshed(before: RunPage, page: RunPage): RunPage {
  const last = page.runs.at(-1)?.run_id;
  const joint = before.runs.findIndex((run) => run.run_id === last);
  if (page.next === null || joint < 0) return page;
  return { runs: [...page.runs, ...before.runs.slice(joint + 1)], next: before.next };
}

/** The list with the page that follows it. */
export function continued(before: RunPage, page: RunPage): RunPage {
  const known = new Set(before.runs.map((run) => run.run_id));
  return { runs: [...before.runs, ...page.runs.filter((run) => !known.has(run.run_id))], next: page.next };
}

/** The list with another state of a run in it. */
export function updated(before: RunPage, run: Run): RunPage {
  return { ...before, runs: before.runs.map((each) => (each.run_id === run.run_id ? run : each)) };
}

/**
 * The list as `shown` before, each run in its present state, and with what has followed at its end: so that nothing
 * moves under the pointer. `fresh` is how many there are to be put before them.
 */
export function held(wanted: readonly Run[], shown: readonly Run[]): { runs: readonly Run[]; fresh: number } {
  const now = new Map(wanted.map((run) => [run.run_id, run]));
  const there = new Set(shown.map((run) => run.run_id));
  const last = wanted.findLastIndex((run) => there.has(run.run_id));
  const unseen = (run: Run) => !there.has(run.run_id);
  return {
    runs: [...shown.map((run) => now.get(run.run_id) ?? run), ...wanted.slice(last + 1).filter(unseen)],
    fresh: wanted.slice(0, last + 1).filter(unseen).length,
  };
}

/** When a run began, or was to; Unix ms. */
export function begun(run: Run): number {
  return Date.parse(run.started_at ?? run.scheduled_at);
}

/** Before which run of a list "since you left" ends: the first that had begun by then; -1 where nothing is newer. */
export function leftBefore(runs: readonly Run[], leftAt: number | null): number {
  const index = leftAt === null ? -1 : runs.findIndex((run) => begun(run) <= leftAt);
  return index || -1;
}
