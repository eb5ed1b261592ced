import { Text } from "@codemirror/state";
import { expect, test } from "vitest";
import { diagnostic } from "./code";

const text = Text.of(["#!/bin/sh", "  😀 echo done)", ""]);

test.each([
  ["a whole line where no column is known", 2, 1, "😀 echo done)"],
  ["the word at a column, which counts characters", 2, 5, "echo"],
  ["a sign that is no word", 2, 14, ")"],
  ["the end of a line", 2, 90, ""],
  ["an empty line", 3, 1, ""],
  ["the last line for one after it", 9, 1, ""],
  ["the first line for one before it", 0, 1, "#!/bin/sh"],
])("a finding marks %s", (_, line, column, marked) => {
  const { from, to } = diagnostic(text, { line, column, severity: "error", message: "" });
  expect(text.sliceString(from, to)).toBe(marked);
});
