import { describe, expect, test } from "vitest";
import type { TimedRun } from "./collection";
import { gathered, overlaps, packed, place, pointedAt } from "./lane";

const NOW = 100_000;

function run(start: number, end: number | null, more: Partial<TimedRun> = {}): TimedRun {
  return {
    id: `${start}`, script: "greet", trigger: "schedule", attempt: 1, status: end === null ? "running" : "completed",
    reason: null, exitCode: 0, start, end, waiting: false, cpuSeconds: null, maxRss: null, ...more,
  };
}

const skipped = (at: number) => run(at, at, { status: "skipped", reason: "overlap" });

describe("runs of a script", () => {
  const rowsOf = (runs: TimedRun[]) => packed(runs, NOW).map(({ row, rows }) => [row, rows]);

  test("one after the other have the whole lane", () =>
    expect(rowsOf([run(0, 10), run(10, 20), run(30, 40)])).toEqual([[0, 1], [0, 1], [0, 1]]));

  test("at the same time are below each other", () =>
    expect(rowsOf([run(0, 10), run(5, 20), run(20, 30)])).toEqual([[0, 2], [1, 2], [0, 1]]));

  test("take the place of one that has ended", () =>
    expect(rowsOf([run(0, 10), run(5, 30), run(12, 20), run(25, 40)])).toEqual([[0, 2], [1, 2], [0, 2], [0, 2]]));

  test("that are still under way go on until now", () =>
    expect(rowsOf([run(0, null), run(50_000, null)])).toEqual([[0, 2], [1, 2]]));

  test("leave no room for starts that did not happen", () =>
    expect(rowsOf([run(0, 10), skipped(5), run(20, 30)])).toEqual([[0, 1], [0, 1], [0, 1]]));
});

describe("overlaps", () => {
  test("are where more than one run was under way", () =>
    expect(overlaps([run(0, 10), run(5, 20), run(15, 30), run(40, 50)], NOW)).toEqual([
      { from: 5, to: 10 },
      { from: 15, to: 20 },
    ]));

  test("of three are one", () =>
    expect(overlaps([run(0, 30), run(5, 10), run(8, 40)], NOW)).toEqual([{ from: 5, to: 30 }]));

  test("are none between a run and a start that did not happen", () =>
    expect(overlaps([run(0, 30), skipped(5)], NOW)).toEqual([]));
});

describe("planned starts", () => {
  test("that can be told apart stand alone", () =>
    expect(gathered([10, 20, 30], null, 10)).toEqual({ single: [10, 20, 30], bands: [] }));

  test("too close to each other are a band", () =>
    expect(gathered([10, 12, 14, 60, 61, 90], null, 5)).toEqual({ single: [60, 61, 90], bands: [{ from: 10, to: 14 }] }));

  test("go on as a band where further ones were not told", () => {
    expect(gathered([10, 12, 14], 500, 5)).toEqual({ single: [], bands: [{ from: 10, to: 500 }] });
    expect(gathered([10, 20], 500, 5)).toEqual({ single: [10, 20], bands: [{ from: 20, to: 500 }] });
  });

  test("may be none", () => expect(gathered([], 500, 5)).toEqual({ single: [], bands: [] }));
});

describe("in a view of 1000 pixels for 100 seconds", () => {
  const view = { from: NOW - 80_000, to: NOW + 20_000 };
  const planned = { name: "greet", starts: [NOW - 1, NOW + 5_000], retry: false, more: false };
  const lane = place([run(0, 10), run(30_000, 40_000), skipped(35_000), run(NOW - 1000, null)], planned, view, 1000, NOW, NOW);

  test("a run is as long as it took, and seen however short", () => {
    expect(lane.runs.map(({ left, width }) => [left, width])).toEqual([[100, 100], [150, 2], [790, 10]]);
    expect(place([run(30_000, 30_001)], null, view, 1000, NOW, NOW).runs[0]?.width).toBe(2);
  });

  test("only starts that are to come are planned ones", () =>
    expect(lane.ghosts).toEqual([{ at: NOW + 5_000, left: 850 }]));

  test("the pointer finds what it is at, or very near to", () => {
    expect(pointedAt(lane, 120, 0.5)).toBe(lane.runs[0]);
    expect(pointedAt(lane, 203, 0.5)).toBe(lane.runs[0]);
    expect(pointedAt(lane, 152, 0.5)).toBe(lane.runs[1]);
    expect(pointedAt(lane, 848, 0.5)).toBe(lane.ghosts[0]);
    expect(pointedAt(lane, 500, 0.5)).toBeNull();
  });

  test("of runs below each other it finds the one at its height", () => {
    const both = place([run(30_000, 60_000), run(40_000, 60_000)], null, view, 1000, NOW, NOW);
    expect(pointedAt(both, 350, 0.2)).toBe(both.runs[0]);
    expect(pointedAt(both, 350, 0.9)).toBe(both.runs[1]);
  });
});
