import { expect, test } from "vitest";
import { instantOf, isZone, wallTime } from "./zone";

test.each([
  ["2027-01-31T03:15", "UTC", "2027-01-31T03:15:00+00:00"],
  ["2027-01-31T03:15", "Asia/Taipei", "2027-01-31T03:15:00+08:00"],
  ["2027-07-01T00:00", "America/New_York", "2027-07-01T00:00:00-04:00"],
  ["2027-01-01T00:30", "Asia/Kathmandu", "2027-01-01T00:30:00+05:45"],
  ["2027-01-01T00:30:15", "America/St_Johns", "2027-01-01T00:30:15-03:30"],
])("%s on a clock of %s is %s, and back", (wall, zone, instant) => {
  expect(instantOf(wall, zone)).toBe(instant);
  expect(wallTime(Date.parse(instant), zone)).toBe(wall);
});

test("a time that comes twice is the first one", () => {
  expect(instantOf("2026-10-25T02:30", "Europe/Berlin")).toBe("2026-10-25T02:30:00+02:00");
});

test("a time that the clock skips is as long after the change as it seems", () => {
  expect(instantOf("2026-03-29T02:30", "Europe/Berlin")).toBe("2026-03-29T03:30:00+02:00");
});

test.each(["", "2027-13-01T00:00", "tomorrow"])("%j is no time", (wall) => expect(instantOf(wall, "UTC")).toBeNull());

test("zones are known by their IANA names", () => {
  expect(["Europe/Berlin", "UTC", "local", "Mars/Olympus", ""].map(isZone)).toEqual([true, true, false, false, false]);
});
