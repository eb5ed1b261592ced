import { expect, test } from "vitest";
import { labels } from "./axis";

const at = (day: number, hour: number, minute = 0, second = 0) => new Date(2026, 10, day, hour, minute, second).getTime();

test.each([
  ["minutes apart", [at(23, 14, 2), at(23, 14, 12)], ["14:02", "14:12"]],
  ["within a minute", [at(23, 14, 2, 5), at(23, 14, 2, 35)], ["14:02:05", "14:02:35"]],
  ["days apart", [at(23, 14), at(24, 14), at(25, 3)], ["Mon 23 Nov", "Tue 24 Nov", "Wed 25 Nov"]],
  ["over midnight", [at(23, 22), at(23, 23), at(24, 0)], ["22:00", "23:00", "Tue 24 Nov"]],
  ["some on one day", [at(23, 22), at(24, 3), at(24, 9)], ["22:00", "Tue 24 Nov", "09:00"]],
  ["none", [], []],
])("times %s are told apart in few words", (_, times, texts) =>
  expect(labels(times).map((text) => text.replace(",", ""))).toEqual(texts),
);
