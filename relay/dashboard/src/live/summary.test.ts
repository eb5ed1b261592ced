import { expect, test } from "vitest";
import type { ScriptRow } from "./store";
import { isFailing, isOverdue, summarize } from "./summary";

const ROW = {
  name: "a", enabled: true, runs: [], result: null, nextStart: null, lastSuccess: null, successAgeLimit: null, overlap: "skip",
  withoutSuccessSince: null,
};

const row = (changes: object) => ({ ...ROW, ...changes }) as unknown as ScriptRow;
const failed = { status: "failed", reason: "timeout" };

test("a script fails if its last run did, by itself", () => {
  expect(isFailing(row({ result: failed }))).toBe(true);
  expect(isFailing(row({ result: { ...failed, reason: "cancelled" } }))).toBe(false);
  expect(isFailing(row({ result: { status: "completed", reason: null } }))).toBe(false);
  expect(isFailing(row({}))).toBe(false);
});

test.each([
  [{ lastSuccess: 0, successAgeLimit: 1000 }, 1000, false],
  [{ lastSuccess: 0, successAgeLimit: 1000 }, 1001, true],
  [{ lastSuccess: 0, successAgeLimit: 1000, enabled: false }, 1001, false],
  [{ lastSuccess: 0, successAgeLimit: null }, 1001, false],
  [{ successAgeLimit: 1000 }, 1001, false], // it never ran
  [{ withoutSuccessSince: 0, successAgeLimit: 1000 }, 1000, false],
  [{ withoutSuccessSince: 0, successAgeLimit: 1000 }, 1001, true],
  [{ withoutSuccessSince: 0, lastSuccess: 500, successAgeLimit: 1000 }, 1001, false],
  [{ withoutSuccessSince: 0, successAgeLimit: 1000, enabled: false }, 1001, false],
])("%j is overdue at %d: %j", (changes, now, overdue) => expect(isOverdue(row(changes), now)).toBe(overdue));

test("the numbers are of all scripts, the next start is the soonest to come of one that is on", () => {
  const rows = [
    row({ name: "a", runs: [1, 2], nextStart: 5 }),
    row({ name: "b", result: failed, nextStart: 30 }),
    row({ name: "c", lastSuccess: 0, successAgeLimit: 1, nextStart: 20 }),
    row({ name: "d", enabled: false, nextStart: 11 }),
  ];
  const summary = summarize(new Map(rows.map((row) => [row.name, row])), 10);
  expect(summary).toEqual({ running: 2, busy: 1, failing: 1, overdue: 1, next: rows[2] });
});

test("the next start is one that no run of its own script holds up, where there is one", () => {
  const next = (...rows: ScriptRow[]) => summarize(new Map(rows.map((row) => [row.name, row])), 10).next?.name;
  const busy = (name: string, overlap: string) => row({ name, overlap, runs: [1], nextStart: 11 });
  const idle = row({ name: "idle", nextStart: 20 });
  expect(next(busy("skips", "skip"), idle)).toBe("idle");
  expect(next(idle, busy("queues", "queue"))).toBe("idle");
  expect(next(idle, busy("overlaps", "allow"))).toBe("overlaps");
  expect(next(idle, busy("replaces", "replace"))).toBe("replaces");
  expect(next(busy("skips", "skip"))).toBe("skips");
});
