import { describe, expect, test } from "vitest";
import type { Run, ScriptStatus } from "../events";
import { Collection, fromRecord, fromSkip, fromStatus } from "./collection";

const at = (second: number) => new Date(second * 1000).toISOString();

function record(id: string, start: number, end: number | null): Run {
  return {
    run_id: id, script_name: "greet", trigger: "retry", attempt: 2, status: end === null ? "running" : "completed",
    reason: null, exit_code: end === null ? null : 0, scheduled_at: at(start), started_at: at(start),
    ended_at: end === null ? null : at(end), duration: end === null ? null : (end - start) * 1000, cpu_seconds: 0.5,
    max_rss_bytes: 1024, stdout_bytes: 0, stderr_bytes: 0, dropped_bytes: 0,
  };
}

function status(id: string, start: number | null, end: number | null): ScriptStatus {
  return {
    run_id: id, script_name: "greet", trigger: "retry", status: end === null ? "running" : "failed", reason: null,
    exit_code: null, duration: 0, started_at: start === null ? null : at(start), ended_at: end === null ? null : at(end),
    cpu_seconds: null, max_rss_bytes: null, next_run_at: null,
  };
}

const ids = (collection: Collection) => collection.lanes.get("greet")?.map(({ id }) => id);

test("runs are kept in the order of their starts, whichever is told first", () => {
  const collection = new Collection();
  for (const start of [30, 10, 20]) collection.add(fromRecord(record(`${start}`, start, start + 1)));
  expect(ids(collection)).toEqual(["10", "20", "30"]);
});

test("what is in the history no longer is forgotten, but not what goes on or was not asked for", () => {
  const collection = new Collection();
  for (const start of [10, 20, 30]) collection.add(fromRecord(record(`${start}`, start, start + 1)));
  collection.add(fromRecord(record("40", 40, null)));
  collection.keep("greet", new Set(["30"]), 20_000);
  expect(ids(collection)).toEqual(["10", "30", "40"]);
  collection.keep("greet", new Set(), 0);
  expect([ids(collection), collection.size]).toEqual([["40"], 1]);
});

test("a run that has ended is no longer open, and an older answer does not open it again", () => {
  const collection = new Collection();
  collection.add(fromStatus(status("a", 10, null))!);
  expect(collection.open).toHaveLength(1);
  collection.add(fromStatus(status("a", 10, 12))!);
  collection.add(fromRecord(record("a", 10, null)));
  expect(collection.open).toEqual([]);
  expect(collection.lanes.get("greet")).toMatchObject([{ id: "a", status: "failed", end: 12_000 }]);
});

test("what only the record tells outlives news from the stream", () => {
  const collection = new Collection();
  collection.add(fromRecord(record("a", 10, null)));
  collection.add(fromStatus(status("a", 10, 12))!);
  expect(collection.lanes.get("greet")).toMatchObject([{ attempt: 2, status: "failed" }]);
});

describe("a start", () => {
  test("that waits for its turn is where it was planned, and moves to where it began", () => {
    const collection = new Collection();
    collection.add(fromRecord({ ...record("a", 10, null), started_at: null }));
    expect(collection.open).toMatchObject([{ waiting: true, start: 10_000 }]);
    collection.add(fromStatus(status("a", 15, null))!);
    expect(collection.open).toMatchObject([{ waiting: false, start: 15_000 }]);
  });

  test("that was stopped while it waited has ended", () => {
    const collection = new Collection();
    collection.add(fromRecord({ ...record("a", 10, null), started_at: null }));
    collection.add(fromStatus(status("a", null, 15))!);
    expect(collection.open).toEqual([]);
  });

  test("that did not happen is the same one in the stream and in the history", () => {
    const collection = new Collection();
    collection.add(fromSkip({ script_name: "greet", scheduled_at: at(10), reason: "overlap" }));
    collection.add(fromRecord({ ...record("a", 10, null), status: "skipped", reason: "overlap", started_at: null }));
    expect(collection.lanes.get("greet")).toMatchObject([{ status: "skipped", reason: "overlap", attempt: 2 }]);
  });
});

test("what is too old is forgotten, but not what goes on", () => {
  const collection = new Collection();
  collection.add(fromRecord(record("a", 10, 12)));
  collection.add(fromRecord(record("b", 11, null)));
  collection.add(fromRecord(record("c", 20, 30)));
  collection.forget(25_000);
  expect(ids(collection)).toEqual(["b", "c"]);
  expect(collection.size).toBe(2);
});
