import { expect, test } from "vitest";
import { after, marked, neighbour, place } from "./find";

const FOUND = [3, 7, 7000];

test.each([
  [0, 1, 3],
  [3, 1, 7],
  [7000, 1, 3],
  [7000, -1, 7],
  [5, -1, 3],
  [3, -1, 7000],
  [9999, -1, 7000],
] as const)("from line %i by %i it is line %i", (from, step, line) => expect(neighbour(FOUND, from, step)).toBe(line));

test("where there is none, there is no next one", () => {
  expect([neighbour([], 5, 1), neighbour([], 5, -1)]).toEqual([null, null]);
});

test.each([
  [3, 1],
  [7000, 3],
  [8, null],
  [null, null],
])("line %j is number %j of those found", (line, number) => expect(place(FOUND, line)).toBe(number));

test("after what is greater than all comes nothing", () => expect(after(FOUND, 7000)).toBe(3));

test.each([
  ["an error, an ERROR", "error", ["an ", "[error]", ", an ", "[ERROR]"]],
  ["a.b a+b", "a.b", ["[a.b]", " a+b"]],
  ["aaa", "aa", ["[aa]", "a"]],
  ["none", "error", ["none"]],
  ["anything", "", ["anything"]],
])("in %j every %j is marked", (text, q, pieces) => {
  expect(marked([{ text }], q).map(({ text, marked }) => (marked ? `[${text}]` : text))).toEqual(pieces);
});

test("over the edges of parts, whose order and text stay", () => {
  const parts = [{ text: "an er" }, { text: "ro" }, { text: "r!" }];
  expect(marked(parts, "error")).toEqual([
    { text: "an ", of: parts[0], marked: false },
    { text: "er", of: parts[0], marked: true },
    { text: "ro", of: parts[1], marked: true },
    { text: "r", of: parts[2], marked: true },
    { text: "!", of: parts[2], marked: false },
  ]);
});
