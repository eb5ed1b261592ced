import { useEffect, useState } from "preact/hooks";
import type { Run } from "../events";
import { getRun, listRuns } from "../api/runs";
import { isLive } from "../live/live";
import type { ScriptRow } from "../live/store";

/** Runs asked for at a time, and at most. */
const PAGE = 100;
const MOST = 1_000;

export interface Asked<T> {
  /** Null before it is known. */
  readonly value: T | null;
  readonly problem: unknown;
  again(): void;
}

/** What `ask` answers; asked anew when `inputs` change, the connection is back, and at the reader's wish. */
function useAsked<T>(ask: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Asked<T> {
  const [answer, setAnswer] = useState<{ value: T | null; problem: unknown }>({ value: null, problem: null });
  const [times, setTimes] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    ask(abort.signal).then(
      (value) => !abort.signal.aborted && setAnswer({ value, problem: null }),
      (problem) => !abort.signal.aborted && setAnswer(({ value }) => ({ value, problem })),
    );
    return () => abort.abort();
  }, [...inputs, times, isLive.value]);
  return { ...answer, again: () => setTimes(times + 1) };
}

/** The runs of a script, newest first, at least down to `id`; starts that did not happen are none. */
export function useRuns(row: ScriptRow, id: string | undefined): Asked<readonly Run[]> {
  return useAsked(
    async (signal) => {
      const found: Run[] = [];
      for (let before: string | null | undefined; before !== null && found.length < MOST; ) {
        const page = await listRuns({ script: row.name }, { limit: PAGE, before }, signal);
        found.push(...page.runs.filter((run) => run.status !== "skipped"));
        before = id === undefined || found.some((run) => run.run_id === id) ? null : page.next;
      }
      return found;
    },
    [row.name, row.runs, row.result, row.past, id],
  );
}

/** A run's record, asked for anew when something happens to its script. */
export function useRun(row: ScriptRow, id: string): Asked<Run> {
  return useAsked((signal) => getRun(id, signal), [id, row.runs, row.result, row.past]);
}
