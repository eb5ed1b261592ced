import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Batch } from "./batch";

let nextFrame: (() => void)[];
let flushed: (readonly number[])[];
let batch: Batch<number>;

beforeEach(() => {
  nextFrame = [];
  flushed = [];
  vi.stubGlobal("requestAnimationFrame", (callback: () => void) => nextFrame.push(callback));
  batch = new Batch((items) => flushed.push(items));
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("all that comes between two animation frames is one update", () => {
  [1, 2, 3].forEach((item) => batch.add(item));
  expect(flushed).toEqual([]);
  nextFrame.splice(0).forEach((callback) => callback());
  expect(flushed).toEqual([[1, 2, 3]]);
});

test("a burst does not pile up without bound", () => {
  for (let item = 0; item < 2500; item += 1) batch.add(item);
  expect(flushed.map((items) => items.length)).toEqual([1000, 1000]);
});

test("a hidden page, which gets no animation frames, is brought up to date once a second", () => {
  vi.useFakeTimers();
  vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  [1, 2, 3].forEach((item) => batch.add(item));
  expect(flushed).toEqual([[1]]);
  vi.advanceTimersByTime(1000);
  expect(flushed).toEqual([[1], [2, 3]]);
});

test("a hidden page, whose timers the browser may hold back for minutes, is brought up to date by what comes", () => {
  vi.useFakeTimers();
  vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  batch.add(1);
  vi.setSystemTime(Date.now() + 60_000); // with no timer having run
  batch.add(2);
  expect(flushed).toEqual([[1], [2]]);
});

test("what waits for a frame when the page is hidden can be had at once", () => {
  batch.add(1);
  batch.flush();
  expect(flushed).toEqual([[1]]);
  nextFrame.splice(0).forEach((callback) => callback());
  expect(flushed).toEqual([[1]]);
});
