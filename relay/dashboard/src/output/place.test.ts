import { describe, expect, test } from "vitest";
import { heightOf, movedBy, placeAt, scrollTopOf, TALLEST } from "./place";

const SHORT = { rows: 1000, height: 20, view: 600 };
const LONG = { rows: 1_000_000, height: 20, view: 600 };

test("a list as short as the view does not scroll", () => {
  const few = { rows: 3, height: 20, view: 600 };
  expect(heightOf(few)).toBe(600);
  expect(scrollTopOf({ row: 1, into: 0 }, few)).toBe(0);
  expect(placeAt(17, few)).toEqual({ row: 0, into: 0 });
});

test("in a short list the scroll bar tells pixels", () => {
  expect(heightOf(SHORT)).toBe(20_000);
  expect(scrollTopOf({ row: 7, into: 5 }, SHORT)).toBe(145);
  expect(placeAt(145, SHORT)).toEqual({ row: 7, into: 5 });
});

describe("in a long one it tells parts of the whole", () => {
  test("no browser is asked for more than it can do", () => expect(heightOf(LONG)).toBe(TALLEST));

  test("its ends are the ends of the list", () => {
    expect(placeAt(0, LONG)).toEqual({ row: 0, into: 0 });
    expect(placeAt(TALLEST - 600, LONG)).toEqual({ row: 999_970, into: 0 });
  });

  test.each([0, 1, 499_985, 999_970])("the place of row %i is found again", (row) => {
    const { row: found, into } = placeAt(scrollTopOf({ row, into: 0 }, LONG), LONG);
    expect(found + into / 20).toBeCloseTo(row, 3);
  });
});

test("a place moves by pixels, and not beyond the ends", () => {
  expect(movedBy({ row: 5, into: 15 }, 10, LONG)).toEqual({ row: 6, into: 5 });
  expect(movedBy({ row: 5, into: 15 }, -20, LONG)).toEqual({ row: 4, into: 15 });
  expect(movedBy({ row: 0, into: 5 }, -20, LONG)).toEqual({ row: 0, into: 0 });
  expect(movedBy({ row: 999_999, into: 0 }, 100, LONG).row).toBe(999_999);
});
