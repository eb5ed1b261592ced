import { expect, test } from "vitest";
import type { ScriptRow } from "./store";
import { isFailing, isOverdue, summarize } from "./summary";

const ROW = { name: "a", enabled: true, runs: [], result: null, nextStart: null, lastSuccess: null, successAgeLimit: null };

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
  [{ lastSuccess: null, successAgeLimit: 1000 }, 1001, false], // when it was to succeed first is not known
])("%j is overdue at %d: %j", (changes, now, overdue) => expect(isOverdue(row(changes), now)).toBe(overdue));

test("the numbers are of all scripts, the next start is the soonest to come of one that is on", () => {
  const rows = [
    row({ name: "a", runs: [1, 2], nextStart: 5 }),
    row({ name: "b", result: failed, nextStart: 30 }),
    row({ name: "c", lastSuccess: 0, successAgeLimit: 1, nextStart: 20 }),
    row({ name: "d", enabled: false, nextStart: 11 }),
  ];
  const summary = summarize(new Map(rows.map((row) => [row.name, row])), 10);
  expect(summary).toEqual({ running: 2, failing: 1, overdue: 1, next: { name: "c", at: 20 } });
});
