import { expect, test } from "vitest";
import type { PastRun } from "../events";
import type { ScriptRow } from "../live/store";
import { estimate } from "./estimate";

const past = (duration: number, status: PastRun["status"] = "completed"): PastRun => ({
  run_id: "R", status, reason: null, started_at: "", duration,
});

function running(changes: Partial<ScriptRow>): ScriptRow {
  return { runs: [{ id: "R", startedAt: 0 }], progress: null, recent: null, ...changes } as ScriptRow;
}

test("what the script says counts, and lets expect how long it goes on", () => {
  const row = running({ progress: { percent: 25, text: "" } as ScriptRow["progress"], recent: [past(1), past(1), past(1)] });
  expect(estimate(row, 10_000)).toEqual({ percent: 25, left: 30_000, guessed: false });
});

test("at its begin nothing can be expected yet", () => {
  const row = running({ progress: { percent: 0, text: "" } as ScriptRow["progress"] });
  expect(estimate(row, 10_000)).toEqual({ percent: 0, left: null, guessed: false });
});

test("else the median of earlier successes is a guess", () => {
  const row = running({ recent: [past(99_000, "failed"), past(20_000), past(90_000), past(10_000)] });
  expect(estimate(row, 5_000)).toEqual({ percent: 25, left: 15_000, guessed: true });
  expect(estimate(row, 60_000)).toEqual({ percent: 100, left: 0, guessed: true });
});

test.each([
  ["does not run", running({ runs: [] })],
  ["ran too seldom", running({ recent: [past(20_000), past(20_000)] })],
  ["takes no time", running({ recent: [past(300), past(300), past(300)] })],
])("of one that %s nothing is said", (_, row) => expect(estimate(row, 5_000)).toBeNull());
