import { expect, test } from "vitest";
import type { PastRun } from "../events";
import type { ScriptRow } from "../live/store";
import { estimate } from "./estimate";

const past = (duration: number, status: PastRun["status"] = "completed"): PastRun => ({
  run_id: "R", status, reason: null, started_at: "", duration,
});

function running(changes: Partial<ScriptRow>): ScriptRow {
  return { runs: [{ id: "R", startedAt: 0 }], progress: new Map(), recent: null, ...changes } as ScriptRow;
}

const says = (percent: number, text = "", id = "R"): ScriptRow["progress"] => new Map([[id, { percent, text }]]);

test("what the script says counts, and lets expect how long it goes on", () => {
  const row = running({ progress: says(25, "copying"), recent: [past(1), past(1), past(1)] });
  expect(estimate(row, 10_000)).toEqual({ percent: 25, left: 30_000, text: "copying", guessed: false });
});

test("at its begin nothing can be expected yet", () => {
  const row = running({ progress: says(0) });
  expect(estimate(row, 10_000)).toEqual({ percent: 0, left: null, text: "", guessed: false });
});

test("of several runs it is the oldest, whatever the others say", () => {
  const row = running({ runs: [{ id: "R", startedAt: 0 }, { id: "S", startedAt: 8_000 }] });
  const later = says(90, "", "S");
  expect(estimate({ ...row, progress: new Map([...later, ...says(25)]) }, 10_000)).toMatchObject({ percent: 25, left: 30_000 });
  expect(estimate({ ...row, progress: later }, 10_000)).toBeNull();
});

test("else the median of earlier successes is a guess", () => {
  const row = running({ recent: [past(99_000, "failed"), past(20_000), past(90_000), past(10_000)] });
  expect(estimate(row, 5_000)).toEqual({ percent: 25, left: 15_000, text: "", guessed: true });
  expect(estimate(row, 60_000)).toEqual({ percent: 100, left: 0, text: "", guessed: true });
});

test.each([
  ["does not run", running({ runs: [] })],
  ["ran too seldom", running({ recent: [past(20_000), past(20_000)] })],
  ["takes no time", running({ recent: [past(300), past(300), past(300)] })],
])("of one that %s nothing is said", (_, row) => expect(estimate(row, 5_000)).toBeNull());
