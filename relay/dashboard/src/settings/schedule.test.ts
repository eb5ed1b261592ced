import { expect, test } from "vitest";
import { intervalOf, milliseconds } from "./interval";
import { starts } from "./starts";

test.each([
  ["5m", { count: "5", unit: "m" }],
  ["30", { count: "30", unit: "s" }],
  ["1.5h", { count: "1.5", unit: "h" }],
  ["1h30m", null],
  ["500ms", null],
  ["", null],
  ["soon", null],
])("the interval %j has a number and a unit: %j", (text, interval) => expect(intervalOf(text)).toEqual(interval));

test.each([
  ["500ms", 500],
  ["30", 30_000],
  ["1h30m", 5_400_000],
  ["1.5s", 1500],
  ["2d", 172_800_000],
  ["1h 30m", null],
  ["-1s", null],
  ["", null],
])("%j are %s milliseconds", (text, value) => expect(milliseconds(text)).toBe(value));

test("starts tell the script's clock, and where that is changed", () => {
  const found = starts(["2026-10-24T03:15:00+02:00", "2026-10-25T03:15:00+01:00", "2026-10-26T03:15:00Z"]);
  expect(found.map(({ wall }) => new Date(wall).toISOString().slice(0, 16))).toEqual([
    "2026-10-24T03:15", "2026-10-25T03:15", "2026-10-26T03:15",
  ]);
  expect(found.map(({ at }) => new Date(at).toISOString().slice(11, 16))).toEqual(["01:15", "02:15", "03:15"]);
  expect(found.map(({ offset }) => offset)).toEqual(["+02:00", "+01:00", "+00:00"]);
  expect(found.map(({ changed }) => changed)).toEqual([false, true, true]);
});
