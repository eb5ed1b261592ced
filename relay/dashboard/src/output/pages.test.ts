import { expect, test } from "vitest";
import { type Line, PAGE, Pages } from "./pages";

function lines(count: number, text = "text"): Line[] {
  return Array.from({ length: count }, () => [0, "stdout", text]);
}

test("lines are found by their number, over the ends of pages", () => {
  const pages = new Pages();
  pages.put(PAGE - 1, [[1, "stdout", "one"], [2, "stderr", "two"]]);
  expect([PAGE - 2, PAGE - 1, PAGE, PAGE + 1].map((number) => pages.get(number)?.[2])).toEqual([undefined, "one", "two", undefined]);
});

test("what was looked at longest ago is let go when there is too much", () => {
  const pages = new Pages();
  for (let page = 0; page < 10; page++) {
    pages.put(page * PAGE, lines(PAGE, "x".repeat(2000)));
    pages.touch(0, 1);
  }
  const kept = Array.from({ length: 10 }, (_, page) => page).filter((page) => pages.get(page * PAGE));
  expect(kept).toEqual([0, 3, 4, 5, 6, 7, 8, 9]);
});

test("a million lines come and go, and few stay", () => {
  const pages = new Pages();
  for (let first = 0; first < 1_000_000; first += PAGE) pages.put(first, lines(PAGE, "a line of some forty characters, or so."));
  let kept = 0;
  for (let number = 0; number < 1_000_000; number++) if (pages.get(number)) kept += 1;
  expect(kept).toBeGreaterThan(100_000);
  expect(kept).toBeLessThan(300_000);
});

test("a style goes on from line to line of the same stream", () => {
  const pages = new Pages();
  pages.put(PAGE - 2, [
    [0, "stdout", "\x1b[31mred"],
    [0, "stderr", "plain"],
    [0, "stdout", "red still\x1b[0m"],
    [0, "stdout", "plain"],
  ]);
  const styles = [PAGE - 2, PAGE - 1, PAGE, PAGE + 1].map((number) => pages.styleBefore(number));
  expect(styles).toEqual(["", "", "\x1b[31m", ""]);
});
