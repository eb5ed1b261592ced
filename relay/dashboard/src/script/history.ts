/** A script's ended runs as far back as they are kept, for charts; the latest come from the stream. */
import { useEffect, useState } from "preact/hooks";
import { listRuns } from "../api/runs";
import type { FailureReason, PastRun, Run } from "../events";
import type { ScriptRow } from "../live/store";
import { said } from "../shell/announce";

/** More of them tell no more. */
const MOST = 5_000;
const PAGE = 1_000;

export interface RunHistory {
  /** Oldest first; null while not known. */
  runs: readonly PastRun[] | null;
  /** There are older ones. */
  more: boolean;
  problem: string | null;
}

export function useHistory({ name, recent, past }: ScriptRow): RunHistory {
  const [asked, setAsked] = useState<RunHistory>({ runs: null, more: false, problem: null });
  useEffect(() => {
    const abort = new AbortController();
    askAll(name, abort.signal).then(
      (history) => setAsked(history),
      (error) => abort.signal.aborted || setAsked({ runs: null, more: false, problem: said(error) }),
    );
    return () => abort.abort();
  }, [name, past]);
  return { ...asked, runs: asked.runs && joined(asked.runs, recent ?? []) };
}

/** Both, in the order of their starts. */
export function joined(asked: readonly PastRun[], recent: readonly PastRun[]): PastRun[] {
  const known = new Set(asked.map(({ run_id }) => run_id));
  const runs = [...asked, ...recent.filter(({ run_id }) => !known.has(run_id))];
  return runs.sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));
}

async function askAll(script: string, signal: AbortSignal): Promise<RunHistory> {
  const runs: PastRun[] = [];
  let before: string | undefined;
  do {
    const page = await listRuns({ script }, { limit: PAGE, before }, signal);
    runs.push(...page.runs.flatMap((run) => ended(run) ?? []));
    before = page.next ?? undefined;
  } while (before !== undefined && runs.length < MOST);
  return { runs: runs.reverse(), more: before !== undefined, problem: null };
}

/** Null for what did not end, or never started. */
function ended({ run_id, status, reason, started_at, duration }: Run): PastRun | null {
  if ((status !== "completed" && status !== "failed") || started_at === null) return null;
  return { run_id, status, reason: reason as FailureReason | null, started_at, duration: duration ?? 0 };
}
