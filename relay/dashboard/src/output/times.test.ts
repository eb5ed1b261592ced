import { expect, test } from "vitest";
import { offsetText } from "./times";

test.each([
  [0, "0.000"],
  [123, "0.123"],
  [12_345, "12.345"],
  [62_345, "1:02.345"],
  [3_600_000, "1:00:00.000"],
  [360_000_007, "100:00:00.007"],
])("%i ms after the start is %s", (ms, text) => expect(offsetText(ms)).toBe(text));
