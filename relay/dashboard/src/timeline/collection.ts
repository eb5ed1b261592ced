/** The runs that the timeline knows: what was asked for, and what came since. Times are Unix ms. */
import type { FailureReason, Run, RunSkippedData, ScriptStatus, SkipReason, Status, Trigger } from "../events";

export interface TimedRun {
  /** Of its record; of a start that did not happen, its script and planned time. */
  readonly id: string;
  readonly script: string;
  /** Null where that was not told. */
  readonly trigger: Trigger | null;
  readonly attempt: number | null;
  readonly status: Status;
  readonly reason: FailureReason | SkipReason | null;
  readonly exitCode: number | null;
  /** While it waits for its turn, and of a start that did not happen, the planned one. */
  readonly start: number;
  /** Null while it is running or waiting. */
  readonly end: number | null;
  readonly waiting: boolean;
  readonly cpuSeconds: number | null;
  readonly maxRss: number | null;
}

export class Collection {
  /** Of each script, the earliest start first. */
  readonly lanes = new Map<string, TimedRun[]>();
  readonly #byId = new Map<string, TimedRun>();

  get size(): number {
    return this.#byId.size;
  }

  /** When the first of them began; Infinity without any. */
  get oldest(): number {
    return Math.min(...[...this.lanes.values()].map((lane) => lane[0]?.start ?? Infinity));
  }

  /** Runs under way, or waiting for their turn. */
  get open(): TimedRun[] {
    return [...this.#byId.values()].filter((run) => run.end === null);
  }

  /** Add a run, or tell more of one; that a run has ended is never taken back. */
  add(run: TimedRun): void {
    const known = this.#byId.get(run.id);
    if (known && known.end !== null && run.end === null) return;
    const lane = this.lanes.get(run.script) ?? [];
    this.lanes.set(run.script, lane);
    if (known) lane.splice(lane.indexOf(known), 1);
    let at = lane.length;
    while (at > 0 && lane[at - 1]!.start > run.start) at -= 1;
    lane.splice(at, 0, known ? { ...run, trigger: run.trigger ?? known.trigger, attempt: run.attempt ?? known.attempt } : run);
    this.#byId.set(run.id, lane[at]!);
  }

  /** Of a script's runs that began at `since` or later and have ended, only `known` ones are left in the history. */
  keep(script: string, known: ReadonlySet<string>, since: number): void {
    const lane = this.lanes.get(script) ?? [];
    const kept = lane.filter((run) => known.has(run.id) || run.end === null || run.start < since);
    if (kept.length === lane.length) return;
    lane.forEach((run) => this.#byId.delete(run.id));
    kept.forEach((run) => this.#byId.set(run.id, run));
    this.lanes.set(script, kept);
  }

  /** Forget what ended before `time`. */
  forget(time: number): void {
    for (const [script, lane] of this.lanes) {
      if (!(lane[0] && lane[0].end !== null && lane[0].end < time)) continue; // the rest can wait for the first
      const kept = lane.filter((run) => run.end === null || run.end >= time);
      lane.filter((run) => !kept.includes(run)).forEach((run) => this.#byId.delete(run.id));
      this.lanes.set(script, kept);
    }
  }
}

export function fromRecord(run: Run): TimedRun {
  const skipped = run.status === "skipped";
  const start = Date.parse(run.started_at ?? run.scheduled_at);
  return {
    id: skipped ? skipId(run) : run.run_id,
    script: run.script_name,
    trigger: run.trigger,
    attempt: run.attempt,
    status: run.status,
    reason: run.reason,
    exitCode: run.exit_code,
    start,
    end: skipped ? start : run.ended_at === null ? null : Date.parse(run.ended_at),
    waiting: run.status === "running" && run.started_at === null,
    cpuSeconds: run.cpu_seconds,
    maxRss: run.max_rss_bytes,
  };
}

export function fromStatus(data: ScriptStatus): TimedRun | null {
  const start = data.started_at ?? data.ended_at; // it may have been stopped while it waited
  if (start === null) return null;
  return {
    id: data.run_id,
    script: data.script_name,
    trigger: data.trigger,
    attempt: null,
    status: data.status,
    reason: data.reason,
    exitCode: data.exit_code,
    start: Date.parse(start),
    end: data.ended_at === null ? null : Date.parse(data.ended_at),
    waiting: false,
    cpuSeconds: data.cpu_seconds,
    maxRss: data.max_rss_bytes,
  };
}

export function fromSkip(data: RunSkippedData): TimedRun {
  const start = Date.parse(data.scheduled_at);
  return {
    id: skipId(data), script: data.script_name, trigger: null, attempt: null, status: "skipped", reason: data.reason,
    exitCode: null, start, end: start, waiting: false, cpuSeconds: null, maxRss: null,
  };
}

/** The stream does not tell the ids of starts that did not happen. */
function skipId({ script_name, scheduled_at }: RunSkippedData | Run): string {
  return `${scheduled_at} ${script_name}`;
}
