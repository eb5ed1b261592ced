import { describe, expect, test } from "vitest";
import { panned, recent, SHORTEST, ticks, whole, zoomed } from "./view";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = new Date(2026, 10, 23, 14, 2, 11).getTime();
const limits = whole(NOW);

test("the timeline goes a day back and six hours ahead", () =>
  expect(limits).toEqual({ from: NOW - 24 * HOUR, to: NOW + 6 * HOUR }));

test("a range of the past shows a quarter as much of what is to come", () =>
  expect(recent(HOUR, NOW)).toEqual({ from: NOW - HOUR, to: NOW + 15 * MINUTE }));

describe("zooming", () => {
  test("keeps the time under the pointer where it is", () => {
    const view = zoomed({ from: NOW - HOUR, to: NOW + HOUR }, 0.5, NOW - HOUR / 2, limits);
    expect(view).toEqual({ from: NOW - 0.75 * HOUR, to: NOW + 0.25 * HOUR });
  });

  test("ends with a minute", () => {
    const { from, to } = zoomed({ from: NOW - MINUTE, to: NOW + MINUTE }, 0.001, NOW, limits);
    expect(to - from).toBe(SHORTEST);
  });

  test("ends with all there is", () => expect(zoomed(recent(HOUR, NOW), 1000, NOW, limits)).toEqual(limits));

  test("out at the edge shows what is on the other side", () => {
    const view = zoomed({ from: limits.to - HOUR, to: limits.to }, 2, limits.to - HOUR, limits);
    expect(view).toEqual({ from: limits.to - 2 * HOUR, to: limits.to });
  });
});

describe("panning", () => {
  test("keeps the scale", () => {
    const view = { from: NOW - HOUR, to: NOW };
    expect(panned(view, -HOUR, limits)).toEqual({ from: NOW - 2 * HOUR, to: NOW - HOUR });
  });

  test("stops at either end", () => {
    const view = { from: NOW - HOUR, to: NOW };
    expect(panned(view, -100 * HOUR, limits)).toEqual({ from: limits.from, to: limits.from + HOUR });
    expect(panned(view, 100 * HOUR, limits)).toEqual({ from: limits.to - HOUR, to: limits.to });
  });
});

describe("ticks", () => {
  test("are round times of the reader's clock", () => {
    const { step, at } = ticks({ from: NOW, to: NOW + 2 * HOUR }, 8);
    expect(step).toBe(15 * MINUTE);
    expect(at[0]).toBe(new Date(2026, 10, 23, 14, 15).getTime());
    expect(at).toHaveLength(8);
  });

  test("of hours are so on either side of midnight", () => {
    const { step, at } = ticks(limits, 10);
    expect(step).toBe(3 * HOUR);
    expect(at.map((each) => new Date(each).getHours())).toEqual([15, 18, 21, 0, 3, 6, 9, 12, 15, 18]);
  });

  test("are never more than there is room for", () => {
    for (let span = MINUTE; span < 30 * HOUR; span *= 1.3) {
      expect(ticks({ from: NOW, to: NOW + span }, 6).at.length).toBeLessThanOrEqual(7);
    }
  });
});
