/** What went wrong while the reader was away. */
import { listRuns, type RunPage } from "../api/runs";
import { isFailure } from "../live/summary";

export interface Failures {
  /** Runs; there are `more` than were asked for. */
  readonly count: number;
  readonly more: boolean;
  /** The scripts whose runs they are, that of the latest first. */
  readonly scripts: readonly string[];
}

/** A run that began so long before the reader left is not asked for, however late it failed. Milliseconds. */
const LONGEST_RUN = 24 * 3_600_000;
/** Nobody wants to know more exactly. */
const MOST = 200;

/** Ask for the runs that failed after a time; Unix ms of the service's clock. */
export async function askFailures(leftAt: number, signal: AbortSignal): Promise<Failures> {
  const since = new Date(leftAt - LONGEST_RUN).toISOString();
  return failuresSince(await listRuns({ status: "failed", since }, { limit: MOST }, signal), leftAt);
}

/** Those of a list of failed runs, newest start first, that ended after the reader left. */
export function failuresSince({ runs, next }: RunPage, leftAt: number): Failures {
  const isLater = (instant: string | null) => instant !== null && Date.parse(instant) > leftAt;
  const failed = runs.filter((run) => isFailure(run) && isLater(run.ended_at));
  const last = runs.at(-1);
  return {
    count: failed.length,
    more: next !== null && last !== undefined && isLater(last.started_at ?? last.ended_at),
    scripts: [...new Set(failed.map(({ script_name }) => script_name))],
  };
}
