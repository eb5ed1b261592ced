import { expect, test } from "vitest";
import { Gaps } from "./gaps";

function gapsOf(...gaps: [number, number][]): Gaps {
  return gaps.reduce((made, [first, next]) => made.with(first, next), new Gaps());
}

test("without gaps a line's row is its number", () => {
  const gaps = new Gaps();
  expect([gaps.rowOf(100), gaps.rowOf(42), gaps.lineOf(42)]).toEqual([100, 42, 42]);
});

test("a dropped stretch is one row, that of its marker", () => {
  const gaps = gapsOf([50, 950]);
  expect(gaps.rowOf(1000)).toBe(101);
  expect([49, 50, 51, 949, 950, 999].map((line) => gaps.rowOf(line))).toEqual([49, 50, 50, 50, 51, 100]);
  expect([49, 50, 51, 100].map((row) => gaps.lineOf(row))).toEqual([49, 50, 950, 999]);
});

test("several are told apart, in whatever order they are learned of", () => {
  const gaps = gapsOf([60, 70], [10, 20]);
  expect(gaps.rowOf(100)).toBe(82);
  for (let row = 0; row < 82; row++) expect(gaps.rowOf(gaps.lineOf(row))).toBe(row);
  expect(gaps.lineOf(11)).toBe(20);
  expect(gaps.lineOf(52)).toBe(70);
});

test("one that grew, or joins others, is one", () => {
  expect(gapsOf([50, 60], [40, 90]).rowOf(100)).toBe(51);
  expect(gapsOf([50, 60], [70, 80], [50, 90]).rowOf(100)).toBe(61);
  expect(gapsOf([50, 90], [60, 70]).rowOf(100)).toBe(61);
});

test("at the end of the output as well", () => {
  expect(gapsOf([90, 100]).rowOf(100)).toBe(91);
});

test("of a dropped line the nearest one that was kept is known, whatever ends there", () => {
  const gaps = gapsOf([20, 30]);
  expect([19, 20, 24, 25, 29, 30].map((line) => gaps.nearest(line, 100))).toEqual([19, 19, 19, 30, 30, 30]);
  expect(gapsOf([0, 10]).nearest(1, 100)).toBe(10);
  expect(gapsOf([90, 100]).nearest(99, 100)).toBe(89);
});
