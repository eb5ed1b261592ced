/** What the page knows, as a pure function of the frames that came. Times are Unix ms of the service's clock. */
import type {
  FailureReason, Frame, Instant, ProgressState, Run, Schedule, Script, ScriptStatus, SkipReason, Snapshot,
  SystemMetrics,
} from "./events";

export interface ActiveRun {
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
  readonly progress: ProgressState | null;
  /** What the service said last went wrong with the script; until its next start. */
  readonly problem: string | null;
}

export interface Problem {
  readonly message: string;
  readonly at: number;
}

export interface State {
  /** In the service's order; null until the first snapshot. */
  readonly rows: ReadonlyMap<string, ScriptRow> | null;
  readonly system: SystemMetrics | null;
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

export const EMPTY: State = { rows: null, system: null, problem: null, heardAt: null, clockOffset: 0 };

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
        break;
      case "snapshot":
        rows = fromSnapshot(frame.data);
        next.system = frame.data.system_metrics;
        next.problem = null;
        break;
      case "system_metrics":
        next.system = frame.data;
        break;
      case "script_status":
        change(frame.data.script_name, (row) => withStatus(row, frame.data));
        break;
      case "script_changed": {
        const { op, script } = frame.data;
        rows ??= new Map(state.rows);
        if (op === "deleted") rows.delete(script.name);
        else rows.set(script.name, fromScript(script, rows.get(script.name)));
        break;
      }
      case "progress":
        change(frame.data.script_name, (row) => ({ ...row, progress: frame.data }));
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

/** Runs under way; the sample of the machine counts them too, but only every few seconds. */
export function countRunning(rows: ReadonlyMap<string, ScriptRow>): number {
  let count = 0;
  for (const row of rows.values()) count += row.runs.length;
  return count;
}

function fromSnapshot(snapshot: Snapshot): Map<string, ScriptRow> {
  const active = new Map(snapshot.active_runs.map((run) => [run.run_id, run]));
  return new Map(snapshot.scripts.map((script) => [script.name, fromScript(script, undefined, active)]));
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
    result: script.last_run && result(script.last_run),
    nextStart: instant(script.next_run_at),
    progress: script.progress,
    problem: before?.problem ?? null,
  };
}

function withStatus(row: ScriptRow, data: ScriptStatus): ScriptRow {
  const nextStart = instant(data.next_run_at);
  const others = row.runs.filter((run) => run.id !== data.run_id);
  if (data.status === "running") {
    const runs = [...others, { id: data.run_id, startedAt: instant(data.started_at) }];
    return { ...row, runs, nextStart, problem: null };
  }
  return { ...row, runs: others, result: result(data), nextStart, progress: others.length ? row.progress : null };
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
