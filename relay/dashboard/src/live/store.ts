/** What the page knows, as a pure function of the frames that came. Times are Unix ms of the service's clock. */
import type {
  FailureReason, Frame, Instant, PastRun, Progress, ProgressState, RecentScript, Run, Schedule, Script, ScriptStatus, SkipReason,
  Snapshot, SystemMetrics,
} from "../events";
import { type History, extended, fromSamples, NO_HISTORY } from "./samples";

interface ActiveRun {
  readonly id: string;
  readonly startedAt: number | null;
}

export interface Result {
  readonly status: "completed" | "failed";
  readonly reason: FailureReason | SkipReason | null;
  readonly exitCode: number | null;
  readonly endedAt: number | null;
  /** Milliseconds. */
  readonly duration: number | null;
}

/** What becomes of a start that comes while the script still runs. */
type Overlap = "skip" | "queue" | "replace" | "allow";

export interface ScriptRow {
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly schedule: Schedule;
  /** Oldest first. */
  readonly runs: readonly ActiveRun[];
  /** That of the latest run that ended. */
  readonly result: Result | null;
  readonly nextStart: number | null;
  readonly overlap: Overlap;
  /** What runs under way said last of how far they are, by run id. */
  readonly progress: ReadonlyMap<string, ProgressState>;
  /** What the service said last went wrong with the script; until its next start. */
  readonly problem: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** The last runs that ended, oldest first, at most RECENT; null before they are known. */
  readonly recent: readonly PastRun[] | null;
  /** Another number whenever the history may be another one than was heard of: what was asked of it is out of date. */
  readonly past: number;
  /** Null where it never succeeded, or while that is not known. */
  readonly lastSuccess: number | null;
  /** Since when it has run in vain; of use where it never succeeded. Null where it never ran, or while that is not known. */
  readonly withoutSuccessSince: number | null;
  /** A success older than this many milliseconds is overdue; null where there is no such limit. */
  readonly successAgeLimit: number | null;
}

/** How many past runs are kept of each script. */
export const RECENT = 30;

interface Problem {
  readonly message: string;
  readonly at: number;
}

export interface State {
  /** In the service's order; null until the first snapshot. */
  readonly rows: ReadonlyMap<string, ScriptRow> | null;
  readonly system: SystemMetrics | null;
  /** The samples of the last 15 minutes. */
  readonly history: History;
  /** What the service said last went wrong, about no script. */
  readonly problem: Problem | null;
  /** When the last frame came, on this machine's clock. */
  readonly heardAt: number | null;
  /** The service's clock less this machine's, in milliseconds. */
  readonly clockOffset: number;
}

/** A frame and when it came, on this machine's clock. */
export interface Arrival {
  readonly frame: Frame;
  readonly at: number;
}

export const EMPTY: State = {
  rows: null, system: null, history: NO_HISTORY, problem: null, heardAt: null, clockOffset: 0,
};

/** The state after `arrivals`; a row that nothing happened to stays the same object. */
export function reduce(state: State, arrivals: readonly Arrival[]): State {
  const next = { ...state };
  let rows: Map<string, ScriptRow> | null = null; // a copy, made where the first row changes
  const change = (name: string, update: (row: ScriptRow) => ScriptRow) => {
    const row = (rows ?? state.rows)?.get(name);
    if (row) (rows ??= new Map(state.rows)).set(name, update(row));
  };
  for (const { frame, at } of arrivals) {
    next.heardAt = at;
    switch (frame.type) {
      case "hello":
        next.clockOffset = Date.parse(frame.data.now) - at;
        if (!frame.data.resumed) {
          for (const name of (rows ?? state.rows)?.keys() ?? []) change(name, (row) => ({ ...row, past: row.past + 1 }));
        }
        break;
      case "snapshot":
        rows = fromSnapshot(frame.data, rows ?? state.rows);
        next.system = frame.data.system_metrics;
        next.history = fromSamples(frame.data.samples, next.history);
        next.problem = null;
        break;
      case "system_metrics":
        next.system = frame.data;
        next.history = extended(next.history, Date.parse(frame.timestamp), frame.data);
        break;
      case "script_status":
        change(frame.data.script_name, (row) => withStatus(row, frame.data));
        break;
      case "script_changed": {
        const { op, script } = frame.data;
        rows ??= new Map(state.rows);
        if (op === "deleted") rows.delete(script.name);
        else {
          const row = fromScript(script, rows.get(script.name));
          rows.set(script.name, { ...row, past: row.past + 1 }); // its logs may have been deleted
        }
        break;
      }
      case "progress":
        change(frame.data.script_name, (row) => withProgress(row, frame.data));
        break;
      case "error": {
        const { message } = frame.data;
        if ("id" in frame.data) break; // an answer to a message of the client's
        if (frame.data.script_name === undefined) next.problem = { message, at: Date.parse(frame.timestamp) };
        else change(frame.data.script_name, (row) => ({ ...row, problem: message }));
      }
    }
  }
  return rows ? { ...next, rows } : next;
}

/** The state with what was asked for beside the stream, when it was `before`. */
export function withRecent(state: State, scripts: readonly RecentScript[], before: State = state): State {
  const rows = new Map(state.rows);
  for (const { name, runs, last_success_at, without_success_since, success_age_limit } of scripts) {
    const row = rows.get(name);
    if (!row) continue;
    const known = new Set([...runs, ...(before.rows?.get(name)?.recent ?? [])].map(({ run_id }) => run_id));
    const since = (row.recent ?? []).filter(({ run_id }) => !known.has(run_id));
    rows.set(name, {
      ...row,
      recent: [...runs, ...since].slice(-RECENT),
      lastSuccess: Math.max(row.lastSuccess ?? 0, instant(last_success_at) ?? 0) || null,
      withoutSuccessSince: instant(without_success_since),
      successAgeLimit: success_age_limit,
    });
  }
  return { ...state, rows };
}

/** Runs under way; the sample of the machine counts them too, but only every few seconds. */
export function countRunning(rows: ReadonlyMap<string, ScriptRow>): number {
  let count = 0;
  for (const row of rows.values()) count += row.runs.length;
  return count;
}

function fromSnapshot(snapshot: Snapshot, before: State["rows"]): Map<string, ScriptRow> {
  const active = new Map(snapshot.active_runs.map((run) => [run.run_id, run]));
  return new Map(
    snapshot.scripts.map((script) => {
      const row = before?.get(script.name);
      // Runs may have been missed: what was known beside the stream is asked for anew, and shown until it comes.
      return [script.name, { ...fromScript(script, row && { ...row, runs: [] }, active), problem: null }];
    }),
  );
}

function fromScript(script: Script, before: ScriptRow | undefined, active?: ReadonlyMap<string, Run>): ScriptRow {
  return {
    name: script.name,
    description: script.description,
    enabled: script.enabled,
    schedule: script.schedule,
    runs: script.running.map(
      (id) =>
        before?.runs.find((run) => run.id === id) ?? { id, startedAt: instant(active?.get(id)?.started_at ?? null) },
    ),
    progress: progressOf(script, before),
    result: script.last_run && result(script.last_run),
    nextStart: instant(script.next_run_at),
    overlap: (script.config["overlap"] ?? "skip") as Overlap,
    problem: before?.problem ?? null,
    labels: labelsOf(script.config),
    ...withLast(before?.recent ?? null, before?.lastSuccess ?? null, script.last_run),
    past: before?.past ?? 0,
    withoutSuccessSince: before?.withoutSuccessSince ?? null,
    successAgeLimit: before?.successAgeLimit ?? null,
  };
}

/** What was asked for beside the stream, with the last run that ended, where that is known by now. */
function withLast(
  recent: ScriptRow["recent"], lastSuccess: number | null, last: Run | null,
): Pick<ScriptRow, "recent" | "lastSuccess"> {
  if (!recent || !last || recent.some(({ run_id }) => run_id === last.run_id)) return { recent, lastSuccess };
  return {
    recent: [...recent, past(last)].slice(-RECENT),
    lastSuccess: last.status === "completed" ? instant(last.ended_at) : lastSuccess,
  };
}

function labelsOf(config: Script["config"]): Record<string, string> {
  const labels: Record<string, string> = {};
  if (typeof config["labels"] === "object" && config["labels"] !== null) {
    for (const [name, value] of Object.entries(config["labels"])) labels[name] = String(value);
  }
  return labels;
}

function withStatus(row: ScriptRow, data: ScriptStatus): ScriptRow {
  const nextStart = instant(data.next_run_at);
  const others = row.runs.filter((run) => run.id !== data.run_id);
  if (data.status === "running") {
    const runs = [...others, { id: data.run_id, startedAt: instant(data.started_at) }];
    return { ...row, runs, nextStart, problem: null };
  }
  const before = row.result?.endedAt ?? null;
  const isLast = before === null || Date.parse(data.ended_at!) >= before; // overlapping runs may be told in any order
  return {
    ...row,
    runs: others,
    progress: ofRuns(row.progress, others.map(({ id }) => id)),
    result: isLast ? result(data) : row.result,
    nextStart,
    recent: [...(row.recent ?? []).filter(({ run_id }) => run_id !== data.run_id), past(data)].slice(-RECENT),
    lastSuccess: data.status === "completed" ? instant(data.ended_at) : row.lastSuccess,
    withoutSuccessSince: row.withoutSuccessSince ?? (data.status === "failed" ? instant(data.ended_at) : null),
  };
}

function withProgress(row: ScriptRow, { run_id, percent, text }: Progress): ScriptRow {
  return { ...row, progress: new Map(row.progress).set(run_id, { percent, text }) };
}

/** A script tells that of its oldest run; of others it is what was heard. */
function progressOf({ running, progress }: Script, before: ScriptRow | undefined): ScriptRow["progress"] {
  const known = new Map(before && ofRuns(before.progress, running.slice(1)));
  return progress && running[0] !== undefined ? known.set(running[0], progress) : known;
}

function ofRuns(progress: ScriptRow["progress"], ids: readonly string[]): ScriptRow["progress"] {
  return new Map([...progress].filter(([id]) => ids.includes(id)));
}

function past({ run_id, status, reason, started_at, ended_at, duration }: ScriptStatus | Run): PastRun {
  return {
    run_id,
    status: status === "completed" ? status : "failed",
    reason: reason as FailureReason | null,
    started_at: started_at ?? ended_at!, // one that could not be started has the one only
    duration: duration ?? 0,
  };
}

function result(run: Run | ScriptStatus): Result {
  return {
    status: run.status === "completed" ? "completed" : "failed",
    reason: run.reason,
    exitCode: run.exit_code,
    endedAt: instant(run.ended_at),
    duration: run.duration,
  };
}

function instant(text: Instant | null): number | null {
  return text === null ? null : Date.parse(text);
}
