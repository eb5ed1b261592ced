import { afterEach, describe, expect, test } from "vitest";
import { chosenLanguage } from "./language";
import { age, bytes, clockTime, count, countdown, duration, elapsed, moment, percent, rate, weekday } from "./format";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

afterEach(() => {
  chosenLanguage.value = null;
});

test("counts have their thousands apart", () => expect(count(12345)).toBe("12,345"));

test.each([[0, "0.0%"], [12.34, "12.3%"], [100, "100.0%"]])("%d percent is %s", (value, text) =>
  expect(percent(value)).toBe(text),
);

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1024 * 1024 - 1, "1.0 MiB"],
  [3.2 * 2 ** 30, "3.2 GiB"],
  [5000 * 2 ** 50, "5000.0 PiB"],
])("%d bytes are %s", (value, text) => expect(bytes(value)).toBe(text));

test("a rate is one in every language", () => {
  chosenLanguage.value = "zh-Hant";
  expect(rate(1536)).toBe("1.5 KiB/s");
});

test.each([
  [0, "0 ms"],
  [340, "340 ms"],
  [3400, "3.4 s"],
  [9960, "10 s"],
  [42_300, "42 s"],
  [59_700, "1 min"],
  [3 * MINUTE + 4000, "3 min 4 s"],
  [2 * HOUR, "2 h"],
  [2 * HOUR + 5 * MINUTE, "2 h 5 min"],
  [3 * DAY + 4 * HOUR, "3 d 4 h"],
])("a duration of %d ms is %s", (value, text) => expect(duration(value)).toBe(text));

test.each([
  [-500, "0 s"], // the clocks differ
  [999, "0 s"],
  [61_000, "1 min 1 s"],
])("%d ms under way is %s", (value, text) => expect(elapsed(0, value)).toBe(text));

test.each([
  [-500, "just now"],
  [999, "just now"],
  [12_000, "12 s ago"],
  [5 * MINUTE, "5 min ago"],
  [3 * HOUR, "3 h ago"],
  [1500 * DAY, "1,500 d ago"],
])("%d ms later it was %s", (value, text) => expect(age(0, value)).toBe(text));

test.each([
  [1, "in 1 s"],
  [12_000, "in 12 s"],
  [4 * MINUTE + 5000, "in 4 min 5 s"],
  [3 * HOUR + 12 * MINUTE, "in 3 h 12 min"],
  [0, null],
  [-1, null],
])("%d ms before it is %s", (value, text) => expect(countdown(value, 0)).toBe(text));

describe("a moment", () => {
  const noon = new Date(2026, 0, 31, 12, 0, 0).getTime();

  test("of today is a time of day", () => expect(moment(noon + HOUR, noon)).toBe("13:00:00"));

  test("of another day has its date", () => expect(moment(noon + DAY, noon)).toMatch(/^Sun,? 1 Feb, 12:00:00$/));

  test("far away has its year", () => expect(moment(noon + 365 * DAY, noon)).toBe("31 Jan 2027, 12:00:00"));

  test("at midnight is 00, not 24", () => expect(clockTime(new Date(2026, 0, 31).getTime())).toBe("00:00:00"));
});

describe("in Chinese", () => {
  const noon = new Date(2026, 0, 31, 12, 0, 0).getTime();

  test.each([
    [() => count(12345), "12,345"],
    [() => duration(340), "340 毫秒"],
    [() => duration(3 * MINUTE + 4000), "3 分 4 秒"],
    [() => duration(3 * DAY + 4 * HOUR), "3 天 4 小時"],
    [() => age(0, 500), "剛剛"],
    [() => age(0, 5 * MINUTE), "5 分前"],
    [() => countdown(12_000, 0), "12 秒後"],
    [() => clockTime(noon), "12:00:00"],
    [() => moment(noon + DAY, noon), "2月1日週日 12:00:00"],
    [() => moment(noon + 365 * DAY, noon), "2027年1月31日 12:00:00"],
    [() => weekday(0), "週日"],
  ])("%s is %s", (text, expected) => {
    chosenLanguage.value = "zh-Hant";
    expect(text()!.replace("日 週", "日週")).toBe(expected); // ICU versions differ in the space
  });
});
