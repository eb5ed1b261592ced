import { expect, test } from "vitest";
import { chosen, withAll } from "./selection";

const rows = new Map(["a", "b", "c", "d"].map((name) => [name, { name }]));
const shown = [{ name: "c" }, { name: "a" }];

test("what is acted on is what is seen, in the order in which it is seen", () => {
  expect(chosen(new Set(["a", "b", "c"]), shown, rows)).toEqual({ seen: ["c", "a"], hidden: 1, all: true });
  expect(chosen(new Set(["a"]), shown, rows)).toEqual({ seen: ["a"], hidden: 0, all: false });
});

test("as many as are seen are not all of them", () => {
  expect(chosen(new Set(["b", "d"]), shown, rows)).toEqual({ seen: [], hidden: 2, all: false });
});

test("what is gone is not selected any more", () => {
  expect(chosen(new Set(["a", "gone"]), shown, rows)).toEqual({ seen: ["a"], hidden: 0, all: false });
  expect(chosen(new Set(), [], rows).all).toBe(false);
});

test("all of what is seen can be selected and let go, and what is hidden stays as it was", () => {
  expect(withAll(new Set(["b"]), shown, true)).toEqual(new Set(["b", "c", "a"]));
  expect(withAll(new Set(["a", "b"]), shown, false)).toEqual(new Set(["b"]));
});
