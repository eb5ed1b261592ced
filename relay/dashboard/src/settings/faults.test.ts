import { expect, test } from "vitest";
import { keyOf, partOf, textOf } from "./faults";

test.each([
  ["#/timeout", "timeout: expected a duration", "timeout", undefined, "expected a duration"],
  ["#/env/1BAD", "env.1BAD: expected a variable name", "env", "1BAD", "1BAD: expected a variable name"],
  ["#/retention/days", "retention.days: expected a number", "retention", "days", "days: expected a number"],
  ["#/success_codes/0", "success_codes[0]: expected a whole number", "success_codes", "0", "expected a whole number"],
  ["#/env/A", "A stands here twice.", "env", "A", "A stands here twice."],
  ["#/env/a~1b", "env.a/b: expected a variable name", "env", "a/b", "a/b: expected a variable name"],
  [undefined, "The disk is full.", "", undefined, "The disk is full."],
])("a fault at %s that says %j is about one part of a field", (pointer, message, key, part, text) => {
  const fault = { ...(pointer === undefined ? {} : { pointer }), message };
  expect([keyOf(fault), partOf(fault), textOf(fault)]).toEqual([key, part, text]);
});
