// Made by generate_types.py from exporter/events.py and exporter/audit.py: change those and say `make types`.

/** A point in time: RFC 3339 in UTC with milliseconds. */
export type Instant = string;

export type Role = "scrape" | "view" | "operate" | "edit";

export type ActorKind = "user" | "token" | "proxy" | "local" | "anonymous" | "disk";

export type AuditOutcome = "done" | "refused" | "failed";

export type AuditAction = "sign-in" | "sign-out" | "script.run" | "script.stop" | "script.create" | "script.update" | "script.rename" | "script.delete" | "script.enable" | "script.disable" | "script.import" | "script.batch" | "config.save" | "config.reload" | "config.change" | "file.write" | "file.delete" | "file.restore" | "file.change" | "logs.delete" | "backup.download" | "backup.restore";

export type AuditChoice = "sign-in" | "sign-out" | "script.run" | "script.stop" | "script.create" | "script.update" | "script.rename" | "script.delete" | "script.enable" | "script.disable" | "script.import" | "script.batch" | "config.save" | "config.reload" | "config.change" | "file.write" | "file.delete" | "file.restore" | "file.change" | "logs.delete" | "backup.download" | "backup.restore" | "script" | "config" | "file" | "backup" | "logs";

export type Trigger = "schedule" | "manual" | "retry" | "missed";

export type Status = "running" | "completed" | "failed" | "skipped";

export type FailureReason = "exit_code" | "signal" | "timeout" | "spawn" | "cancelled" | "lost";

export type SkipReason = "overlap" | "missed" | "queue_full";

export type Stream = "stdout" | "stderr";

export interface Hello {
  protocol: number;
  version: string;
  epoch: string;
  /** Number of the last durable event when the client joined; with `resumed`, the events up to it follow. */
  seq: number;
  resumed: boolean;
  /** How often the service pings; nothing heard for twice as long means a dead connection. */
  heartbeat_ms: number;
  now: Instant;
}

/** When a script starts, as the API tells it. */
export interface Schedule {
  kind: "cron" | "every" | "at" | "manual";
  /** As written in the configuration; null for a script started by hand only. */
  value: string | null;
  timezone: string;
  /** One sentence in English. */
  description: string;
}

/** One run's record, or that of a planned start that did not happen (`status` skipped). */
export interface Run {
  /** ULID, 26 characters. */
  run_id: string;
  script_name: string;
  trigger: Trigger;
  /** 1 for the first try, one more for each retry. */
  attempt: number;
  status: Status;
  reason: FailureReason | SkipReason | null;
  /** 128+N for signal N; -1 where there is none; null while running. */
  exit_code: number | null;
  /** The planned start; for a manual run, when it was asked for. */
  scheduled_at: Instant;
  /** Null for a start that was asked for by hand and still waits for its turn, its status being `running`. */
  started_at: Instant | null;
  ended_at: Instant | null;
  /** Milliseconds from start to end; null while running. */
  duration: number | null;
  cpu_seconds: number | null;
  max_rss_bytes: number | null;
  stdout_bytes: number;
  stderr_bytes: number;
  /** Bytes of output that were not kept: over `max_output`, or while the disk was almost full. */
  dropped_bytes: number;
  /** Absent unless metrics that the run published were refused: which, and why. */
  metrics_rejected?: string;
}

export interface ProgressState {
  percent: number;
  text: string;
}

/** A script's configuration and live state. */
export interface Script {
  name: string;
  description: string;
  enabled: boolean;
  schedule: Schedule;
  /** The entry of the configuration file, as written there. */
  config: Readonly<Record<string, unknown>>;
  /** Run ids of the runs executing now, oldest first. */
  running: ReadonlyArray<string>;
  /** The latest run that ended. */
  last_run: Run | null;
  next_run_at: Instant | null;
  /** That of the oldest run executing now; null where it told none. */
  progress: ProgressState | null;
}

/** One sample of the machine: the very one that `/metrics` shows. */
export interface SystemMetrics {
  cpu_percent: number;
  memory_percent: number;
  disk_percent: number;
  /** Runs executing now. */
  active_scripts: number;
  /** Runs ended since the service started. */
  total_executions: number;
  load1: number;
  memory_used_bytes: number;
  memory_total_bytes: number;
  network_receive_bytes_per_second: number;
  network_transmit_bytes_per_second: number;
  disk_read_bytes_per_second: number;
  disk_write_bytes_per_second: number;
  /** Starts waiting for a free slot or for an earlier run of their script. */
  runs_queued: number;
}

/** The last 15 minutes of samples, as columns, oldest first. */
export interface Samples {
  t: ReadonlyArray<Instant>;
  cpu_percent: ReadonlyArray<number>;
  memory_percent: ReadonlyArray<number>;
  disk_percent: ReadonlyArray<number>;
  network_receive_bytes_per_second: ReadonlyArray<number>;
  network_transmit_bytes_per_second: ReadonlyArray<number>;
}

export interface Snapshot {
  scripts: ReadonlyArray<Script>;
  active_runs: ReadonlyArray<Run>;
  system_metrics: SystemMetrics;
  samples: Samples;
}

/** The plain keys, and those that only the rich stream has. */
export interface ScriptStatus {
  script_name: string;
  status: Status;
  exit_code: number | null;
  duration: number;
  run_id: string;
  trigger: Trigger;
  reason: FailureReason | SkipReason | null;
  started_at: Instant | null;
  ended_at: Instant | null;
  cpu_seconds: number | null;
  max_rss_bytes: number | null;
  next_run_at: Instant | null;
}

export interface ScriptChanged {
  op: "created" | "updated" | "deleted";
  script: Script;
}

export interface RunSkippedData {
  script_name: string;
  scheduled_at: Instant;
  reason: FailureReason | SkipReason | null;
}

/** A file under `scripts_dir`, or the configuration file, is not what it was: whoever shows it asks anew. */
export interface FileChange {
  /** Under `scripts_dir`; null: the configuration file. */
  path: string | null;
}

/** Lines of one run's output. */
export interface Output {
  run_id: string;
  script_name: string;
  /** Number of the first line in `lines`, counted from 0 over the whole of the run's output. */
  from: number;
  /** Milliseconds since the run's start, stream, text without its line end. */
  lines: ReadonlyArray<readonly [number, Stream, string]>;
  /** True in the last one: the run has ended and no line follows. */
  end: boolean;
  /**
   * What is written of the line that each stream has not finished yet, of a long one the end; absent where there is
   * nothing, and where more lines are to be had.  The next `output` replaces it.
   */
  partial?: ReadonlyArray<readonly [Stream, string]>;
}

/** What a line `::progress PERCENT TEXT` on a run's standard output said last. */
export interface Progress {
  run_id: string;
  script_name: string;
  percent: number;
  text: string;
}

export interface Gap {
  topic: string;
  /** Lines not sent; `GET /api/v1/runs/{id}/output` has them. */
  dropped: number;
}

export interface Ack {
  id: number | string | null;
}

export interface Pong {
  id: number | string | null;
}

/** Something went wrong that a person should know of. */
export interface Error {
  message: string;
  script_name?: string;
}

/** The `error` that answers a client's message. */
export interface Refusal {
  id: number | string | null;
  message: string;
}

/** What `GET /api/v1/status` tells. */
export interface ServiceStatus {
  version: string;
  started_at: Instant;
  epoch: string;
  seq: number;
  scripts_enabled: number;
  scripts_disabled: number;
  active_scripts: number;
  runs_queued: number;
  total_executions: number;
  sampled_at: Instant;
  /** By the service's clock. */
  now: Instant;
  system_metrics: SystemMetrics;
  /** Files that the service may have open at a time, connections included; -1: any number. */
  open_files_limit: number;
  /** Address of a Grafana that has the dashboards, as configured. */
  grafana_url: string | null;
  /** What is wrong with the service at large until somebody mends it; an `error` told of each when it began. */
  problems: ReadonlyArray<string>;
}

/** A run that ended, as far as the page draws it. */
export interface PastRun {
  run_id: string;
  status: "completed" | "failed";
  reason: FailureReason | null;
  started_at: Instant;
  /** Milliseconds. */
  duration: number;
}

/** What the snapshot does not tell of a script: how it went lately. */
export interface RecentScript {
  name: string;
  /** End of the latest run that completed. */
  last_success_at: Instant | null;
  /**
   * Of a script that ran, but never succeeded, as far back as that is known: its first failure, or when it was
   * configured, if that is earlier.  Null for others.
   */
  without_success_since: Instant | null;
  /** Milliseconds that the last success must not be older than; null where there is no such limit. */
  success_age_limit: number | null;
  /** The latest ones, in the order in which they ended; one whose end the stream tells just then may be here, too. */
  runs: ReadonlyArray<PastRun>;
}

/** When an enabled script is to start next; of a script with jitter only the first start has it. */
export interface PlannedScript {
  name: string;
  starts: ReadonlyArray<Instant>;
  /** Whether the first of them is another try of a run that failed. */
  retry: boolean;
  /** Whether there are further ones up to the time asked for. */
  more: boolean;
}

/** Who did it. */
export interface Actor {
  /**
   * `proxy`: a user whom a trusted proxy names; `local`: a command of the user who runs the service; `anonymous`:
   * whoever shows no credentials; `disk`: nobody who asked the service, but somebody who changed its files.
   */
  kind: ActorKind;
  /** Of the user or the token. */
  name: string | null;
  /** The one that they had then; null: none. */
  role: Role | null;
}

/** An entry of the audit trail. */
export interface AuditEntry {
  actor: Actor;
  /** Where the request came from; null where there was none. */
  address: string | null;
  action: AuditAction;
  /** Name of the script, path of the file, or name of the account to sign in to, where there is such a one. */
  target: string | null;
  /**
   * What else there is to be said: ids of runs, the new name of a script, number of a version, how many
   * attempts to sign in had to wait, or what the configuration says something else of since: `users, scripts: sync`.
   */
  detail: string | null;
  /**
   * Hash of the file, or of the configuration file: the first 32 hex digits of its SHA-256.
   * Null where it was not there, or where nothing was changed that has one.
   */
  before: string | null;
  /** The same of what it was afterwards. */
  after: string | null;
  /** `refused`: they may not do so; `failed`: it could not be done. */
  outcome: AuditOutcome;
  /** Of the answer; null where there was no request. */
  status: number | null;
  method: string | null;
  /** Path of the request. */
  path: string | null;
  /** ULID, 26 characters: entries sort by it. */
  id: string;
  at: Instant;
}

/** Every frame of the rich stream; `timestamp` is the time of the event, not of sending. */
export type Frame =
  | { type: "hello"; timestamp: Instant; data: Hello }
  | { type: "snapshot"; timestamp: Instant; data: Snapshot }
  | { type: "system_metrics"; timestamp: Instant; data: SystemMetrics }
  | { type: "script_status"; seq: number; timestamp: Instant; data: ScriptStatus }
  | { type: "script_changed"; seq: number; timestamp: Instant; data: ScriptChanged }
  | { type: "run_skipped"; seq: number; timestamp: Instant; data: RunSkippedData }
  | { type: "file_changed"; timestamp: Instant; data: FileChange }
  | { type: "output"; timestamp: Instant; data: Output }
  | { type: "progress"; timestamp: Instant; data: Progress }
  | { type: "gap"; timestamp: Instant; data: Gap }
  | { type: "ack"; timestamp: Instant; data: Ack }
  | { type: "pong"; timestamp: Instant; data: Pong }
  | { type: "error"; timestamp: Instant; data: Error | Refusal };
