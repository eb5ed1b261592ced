import { describe, expect, test } from "vitest";
import type { Frame, RecentScript, Run, Script, ScriptStatus, SystemMetrics } from "../events";
import { NO_SAMPLES } from "./samples";
import { countRunning, EMPTY, RECENT, reduce, type State, withRecent } from "./store";

const NOON = Date.parse("2026-01-31T12:00:00.000Z");

const SYSTEM: SystemMetrics = {
  cpu_percent: 1, memory_percent: 2, disk_percent: 3, active_scripts: 0, total_executions: 0, load1: 0,
  memory_used_bytes: 0, memory_total_bytes: 0, network_receive_bytes_per_second: 0,
  network_transmit_bytes_per_second: 0, disk_read_bytes_per_second: 0, disk_write_bytes_per_second: 0, runs_queued: 0,
};

function run(id: string, changes: Partial<Run> = {}): Run {
  return {
    run_id: id, script_name: "backup", trigger: "schedule", attempt: 1, status: "completed", reason: null,
    exit_code: 0, scheduled_at: "2026-01-31T11:00:00.000Z", started_at: "2026-01-31T11:00:00.000Z",
    ended_at: "2026-01-31T11:01:00.000Z", duration: 60_000, cpu_seconds: null, max_rss_bytes: null, stdout_bytes: 0,
    stderr_bytes: 0, dropped_bytes: 0, ...changes,
  };
}

function script(name: string, changes: Partial<Script> = {}): Script {
  return {
    name, description: "", enabled: true, config: {}, running: [], last_run: null, progress: null,
    schedule: { kind: "manual", value: null, timezone: "UTC", description: "By hand only" }, next_run_at: null,
    ...changes,
  };
}

function frame<T extends Frame["type"]>(type: T, data: Extract<Frame, { type: T }>["data"]): Frame {
  return { type, seq: 1, timestamp: "2026-01-31T12:00:00.000Z", data } as Frame;
}

function status(run_id: string, changes: Partial<ScriptStatus> = {}): Frame {
  return frame("script_status", {
    script_name: "backup", status: "running", exit_code: null, duration: 0, run_id, trigger: "manual", reason: null,
    started_at: "2026-01-31T12:00:00.000Z", ended_at: null, cpu_seconds: null, max_rss_bytes: null,
    next_run_at: "2026-01-31T13:00:00.000Z", ...changes,
  });
}

const ended = (run_id: string, changes: Partial<ScriptStatus> = {}) =>
  status(run_id, { status: "completed", exit_code: 0, duration: 5, ended_at: "2026-01-31T12:00:05.000Z", ...changes });

function after(state: State, ...frames: Frame[]): State {
  return reduce(state, frames.map((frame) => ({ frame, at: NOON })));
}

function snapshot(scripts: Script[], active_runs: Run[] = []): Frame {
  return frame("snapshot", { scripts, active_runs, system_metrics: SYSTEM, samples: NO_SAMPLES });
}

const backup = (state: State) => state.rows!.get("backup")!;

describe("a snapshot", () => {
  test("is the whole state, in the service's order", () => {
    const state = after(EMPTY, snapshot([script("b"), script("a")]));
    expect([...state.rows!.keys()]).toEqual(["b", "a"]);
    expect(state.system).toEqual(SYSTEM);
  });

  test("replaces all that was known", () => {
    const state = after(EMPTY, snapshot([script("old")]), snapshot([script("new")]));
    expect([...state.rows!.keys()]).toEqual(["new"]);
  });

  test("tells since when the runs under way have been running", () => {
    const active = run("R1", { status: "running", started_at: "2026-01-31T11:59:00.000Z" });
    const state = after(EMPTY, snapshot([script("backup", { running: ["R1"] })], [active]));
    expect(backup(state).runs).toEqual([{ id: "R1", startedAt: NOON - 60_000 }]);
    expect(countRunning(state.rows!)).toBe(1);
  });
});

describe("a script's status", () => {
  const start = after(EMPTY, snapshot([script("backup", { last_run: run("R0") }), script("other")]));

  test("running adds a run and moves the next start", () => {
    const row = backup(after(start, status("R1")));
    expect(row.runs).toEqual([{ id: "R1", startedAt: NOON }]);
    expect(row.nextStart).toBe(NOON + 3_600_000);
    expect(row.result?.endedAt).toBe(NOON - 59 * 60_000);
  });

  test("completed ends that run and is the last result", () => {
    const row = backup(after(start, status("R1"), status("R2"), ended("R1", { duration: 5000 })));
    expect(row.runs.map((run) => run.id)).toEqual(["R2"]);
    expect(row.result).toMatchObject({ status: "completed", endedAt: NOON + 5000, duration: 5000 });
  });

  test("failed keeps its reason, even where no running came first", () => {
    const row = backup(after(start, ended("R1", { status: "failed", reason: "spawn", exit_code: -1 })));
    expect(row.runs).toEqual([]);
    expect(row.result).toMatchObject({ status: "failed", reason: "spawn", exitCode: -1 });
  });

  test("is not the last one where another ended later, but was told of before", () => {
    const row = backup(after(start, ended("R2"), ended("R1", { ended_at: "2026-01-31T12:00:04.000Z", exit_code: 7 })));
    expect(row.result).toMatchObject({ exitCode: 0, endedAt: NOON + 5000 });
  });

  test("leaves the other rows the very same objects", () => {
    const state = after(start, status("R1"));
    expect(state.rows!.get("other")).toBe(start.rows!.get("other"));
    expect(backup(state)).not.toBe(backup(start));
  });

  test("of a script that is gone changes nothing", () => {
    expect(after(start, status("R1", { script_name: "gone" })).rows).toBe(start.rows);
  });

  test("does not change the state it came to", () => {
    after(start, status("R1"));
    expect(backup(start).runs).toEqual([]);
  });
});

describe("a script's change", () => {
  const start = after(EMPTY, snapshot([script("backup")]), status("R1"));

  test("created adds a row at the end", () => {
    const state = after(start, frame("script_changed", { op: "created", script: script("a") }));
    expect([...state.rows!.keys()]).toEqual(["backup", "a"]);
  });

  test("updated keeps since when its runs have been running", () => {
    const changed = script("backup", { description: "new", running: ["R1"] });
    const row = backup(after(start, frame("script_changed", { op: "updated", script: changed })));
    expect(row).toMatchObject({ description: "new", runs: [{ id: "R1", startedAt: NOON }] });
  });

  test("deleted removes its row", () => {
    const state = after(start, frame("script_changed", { op: "deleted", script: script("backup") }));
    expect(state.rows!.size).toBe(0);
  });
});

describe("progress", () => {
  const data = { run_id: "R1", script_name: "backup", percent: 40, text: "copying" };
  const start = after(EMPTY, snapshot([script("backup")]), status("R1"), frame("progress", data));

  const told = (state: State) => [...backup(state).progress].map(([id, { percent }]) => [id, percent]);

  test("is that of its run, while this is under way", () => {
    expect(backup(start).progress.get("R1")).toEqual({ percent: 40, text: "copying" });
    const both = after(start, status("R2"), frame("progress", { ...data, run_id: "R2", percent: 80 }));
    expect(told(both)).toEqual([["R1", 40], ["R2", 80]]);
    expect(told(after(both, ended("R1")))).toEqual([["R2", 80]]);
  });

  test("of a script is, in a snapshot, that of its oldest run", () => {
    const changes = { running: ["R1", "R2"], progress: { percent: 40, text: "" } };
    const state = after(EMPTY, snapshot([script("backup", changes)]));
    expect(told(state)).toEqual([["R1", 40]]);
    const two = after(state, frame("progress", { ...data, run_id: "R2", percent: 80 }));
    const changed = frame("script_changed", { op: "updated", script: script("backup", { ...changes, progress: null }) });
    expect(told(after(two, changed))).toEqual([["R2", 80]]);
  });

  test("leaves the list of runs the very same object: who asks for them anew when they change need not", () => {
    expect(backup(start).runs).toBe(backup(after(start, frame("progress", { ...data, percent: 41 }))).runs);
  });
});

describe("an error", () => {
  const start = after(EMPTY, snapshot([script("backup")]));

  test("about a script stands with it until it starts", () => {
    const state = after(start, frame("error", { message: "no such file", script_name: "backup" }));
    expect(backup(state).problem).toBe("no such file");
    expect(backup(after(state, ended("R1", { status: "failed" }))).problem).toBe("no such file");
    expect(backup(after(state, status("R2"))).problem).toBeNull();
  });

  test("about no script stands above all", () => {
    expect(after(start, frame("error", { message: "disk full" })).problem).toEqual({ message: "disk full", at: NOON });
  });

  test("that answers a message of the page is not for the reader", () => {
    expect(after(start, frame("error", { id: 1, message: "unknown type" })).problem).toBeNull();
  });
});

test("the service's clock is known from its greeting", () => {
  const hello = {
    protocol: 1, version: "1", epoch: "e", seq: 0, resumed: false, heartbeat_ms: 1, now: "2026-01-31T12:00:07.000Z",
  };
  expect(after(EMPTY, frame("hello", hello)).clockOffset).toBe(7000);
});

test("the time of the last frame is kept, whatever it says", () => {
  const state = reduce(EMPTY, [{ frame: frame("pong", { id: null }), at: NOON + 1 }]);
  expect(state).toEqual({ ...EMPTY, heardAt: NOON + 1 });
});

describe("past runs", () => {
  const past = (run_id: string, started_at = "2026-01-31T11:00:00.000Z") => ({
    run_id, status: "completed" as const, reason: null, started_at, duration: 5,
  });
  const background = (...ids: string[]): RecentScript => ({
    name: "backup", runs: ids.map((id) => past(id)), last_success_at: "2026-01-31T11:01:00.000Z",
    without_success_since: null, success_age_limit: 1000,
  });
  const start = after(EMPTY, snapshot([script("backup")]));
  const ids = (state: State) => backup(state).recent?.map(({ run_id }) => run_id);

  test("go on with the last one that a further snapshot tells of, and so does the last success", () => {
    const known = withRecent(start, [background("R1")]);
    const last = run("R2", { ended_at: "2026-01-31T11:30:00.000Z" });
    const state = after(known, snapshot([script("backup", { last_run: last })]));
    expect(ids(state)).toEqual(["R1", "R2"]);
    expect(backup(state).lastSuccess).toBe(Date.parse(last.ended_at!));
    expect(ids(after(state, snapshot([script("backup", { last_run: last })])))).toEqual(ids(state));
  });

  test("are not known from the snapshot", () => expect(backup(start).recent).toBeNull());

  test("that were asked for are followed by those that ended meanwhile, each once", () => {
    const state = withRecent(after(start, ended("R3"), ended("R4")), [background("R1", "R2", "R3")], start);
    expect(ids(state)).toEqual(["R1", "R2", "R3", "R4"]);
    expect(backup(state)).toMatchObject({ lastSuccess: NOON + 5000, successAgeLimit: 1000 });
  });

  test("of a script that never succeeded are known to be in vain since the service says, or since the first that is heard of", () => {
    const since = (state: State) => backup(state).withoutSuccessSince;
    const failed = (second: number) => ended("R1", { status: "failed", ended_at: new Date(NOON + second * 1000).toISOString() });
    expect(since(after(start, failed(5), failed(9)))).toBe(NOON + 5000);
    const never = { ...background("R1"), last_success_at: null, without_success_since: "2026-01-31T11:00:00.000Z" };
    expect(since(after(withRecent(start, [never]), failed(5)))).toBe(NOON - 3_600_000);
    expect(since(after(start, ended("R1")))).toBeNull();
  });

  test("that ended before those that were asked for are not taken for later ones", () => {
    const before = withRecent(start, [background("R1", "R2")]);
    const later = { ...background(), runs: [past("R8", "2026-01-31T13:00:00.000Z")] };
    expect(ids(withRecent(before, [later]))).toEqual(["R8"]);
  });

  test("are kept up to a number, the latest of them", () => {
    const many = Array.from({ length: RECENT }, (_, index) => `R${10 + index}`);
    const state = after(withRecent(start, [background(...many)]), ended("R99"));
    expect(ids(state)).toEqual([...many.slice(1), "R99"]);
  });

  test("are gone where they were forgotten, but those that ended since are there", () => {
    const before = withRecent(start, [background("R1", "R2")]);
    const state = after(before, ended("R3"));
    expect(ids(withRecent(state, [background()], before))).toEqual(["R3"]);
  });

  test("may be other ones after a change of the script, and after a time in which nothing was heard", () => {
    const changed = after(start, frame("script_changed", { op: "updated", script: script("backup") }));
    expect(backup(changed).past).not.toBe(backup(start).past);
    const hello = { protocol: 1, version: "1", epoch: "E", seq: 0, heartbeat_ms: 0, now: "2026-01-31T12:00:00.000Z" };
    expect(backup(after(start, frame("hello", { ...hello, resumed: true }))).past).toBe(backup(start).past);
    const anew = after(start, frame("hello", { ...hello, resumed: false }), snapshot([script("backup")]));
    expect(backup(anew).past).not.toBe(backup(start).past);
  });

  test("stay as they are over a change of the script", () => {
    const state = withRecent(start, [background("R1")]);
    const changed = frame("script_changed", { op: "updated", script: script("backup", { description: "new" }) });
    expect(ids(after(state, changed))).toEqual(["R1"]);
  });

  test("of a script that is gone change nothing", () => {
    expect(withRecent(after(start, frame("script_changed", { op: "deleted", script: script("backup") })), [
      background("R1"),
    ]).rows!.size).toBe(0);
  });
});

test("what becomes of overlapping starts is as configured, by default they are skipped", () => {
  const overlap = (config: Script["config"]) => backup(after(EMPTY, snapshot([script("backup", { config })]))).overlap;
  expect(overlap({ overlap: "queue" })).toBe("queue");
  expect(overlap({})).toBe("skip");
});

test("labels are those of the configuration, whatever YAML made of them", () => {
  const state = after(EMPTY, snapshot([script("backup", { config: { labels: { team: "ops", tier: 1 } } })]));
  expect(backup(state).labels).toEqual({ team: "ops", tier: "1" });
});
