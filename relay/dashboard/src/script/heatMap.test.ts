import { expect, test } from "vitest";
import type { PastRun } from "../events";
import { heat, heatMap } from "./heatMap";

function run(start: Date, status: PastRun["status"] = "completed", reason: PastRun["reason"] = null): PastRun {
  return { run_id: "", status, reason, started_at: start.toISOString(), duration: 0 };
}

test("runs are counted at the weekday and hour of the reader's clock, Monday first", () => {
  const sunday = new Date(2026, 10, 22, 23, 59, 59);
  const monday = new Date(2026, 10, 23, 0, 0, 0);
  const map = heatMap([run(sunday, "failed"), run(sunday), run(monday, "failed")]);
  expect(map[6]![23]).toEqual({ runs: 2, failed: 1 });
  expect(map[0]![0]).toEqual({ runs: 1, failed: 1 });
  expect(map.flat().reduce((sum, cell) => sum + cell.runs, 0)).toBe(3);
});

test("a run that was stopped is a run, but no failure", () => {
  const map = heatMap([run(new Date(2026, 10, 23), "failed", "cancelled")]);
  expect(map[0]![0]).toEqual({ runs: 1, failed: 0 });
});

test.each([[0, 0, 0], [5, 0, 0], [10, 1, 1], [3, 1, 2], [2, 1, 3], [1, 1, 4]])(
  "of %d runs %d failed: heat %d",
  (runs, failed, expected) => expect(heat({ runs, failed })).toBe(expected),
);
