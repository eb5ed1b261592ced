import { beforeEach, expect, test, vi } from "vitest";
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

test("all that comes between two animation frames is one update", () => {
  [1, 2, 3].forEach((item) => batch.add(item));
  expect(flushed).toEqual([]);
  nextFrame.splice(0).forEach((callback) => callback());
  expect(flushed).toEqual([[1, 2, 3]]);
});

test("an update can be asked for without anything new", () => {
  batch.request();
  nextFrame.splice(0).forEach((callback) => callback());
  expect(flushed).toEqual([[]]);
});

test("a page that gets no animation frames does not pile up what comes", () => {
  for (let item = 0; item < 2500; item += 1) batch.add(item);
  expect(flushed.map((items) => items.length)).toEqual([1000, 1000]);
});
