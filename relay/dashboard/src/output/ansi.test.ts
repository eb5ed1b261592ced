import { describe, expect, test } from "vitest";
import { carried, NO_STYLE, plain, segments } from "./ansi";

test.each([
  ["plain", [{ text: "plain", style: "" }]],
  ["", []],
  ["a\x1b[1;31mred\x1b[m b", [{ text: "a", style: "" }, { text: "red", style: "ansi-red ansi-bold" }, { text: " b", style: "" }]],
  ["\x1b[92mok", [{ text: "ok", style: "ansi-bright-green" }]],
  ["\x1b[30;43mwarn", [{ text: "warn", style: "on-yellow" }]],
  ["\x1b[7mturned", [{ text: "turned", style: "on-white" }]],
  ["\x1b[38;5;9mred", [{ text: "red", style: "ansi-bright-red" }]],
  ["\x1b[38;5;160mred", [{ text: "red", style: "ansi-red" }]],
  ["\x1b[38;5;255mgrey", [{ text: "grey", style: "ansi-bright-white" }]],
  ["\x1b[38;2;10;20;200mblue", [{ text: "blue", style: "ansi-blue" }]],
  ["\x1b[38:5:2mgreen", [{ text: "green", style: "ansi-green" }]],
  ["\x1b[48;2;250;90;90mground", [{ text: "ground", style: "on-bright-red" }]],
])("%j is read as a style by name", (text, expected) => expect(segments(NO_STYLE, text)).toEqual(expected));

test.each([
  ["\x1b[2J\x1b[1;1Hcleared", "cleared"],
  ["\x1b]0;title\x07text", "text"],
  ["\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"],
  ["\x1b]0;without an end", "0;without an end"],
  ["\x1b(Bcharset \x1b=keypad", "charset keypad"],
  ["\x1b[?25lhidden cursor", "hidden cursor"],
  ["\x1b[>4;2mkeyboard", "keyboard"],
  ["50%\r100%", "100%"],
  ["50%\r100%\r", "100%"],
  ["\r50%\r100%\r\x1b[m\r", "100%"],
  ["50%\r\x1b[K", ""],
  ["\r", ""],
  ["bell\x07 \x00 \x7f tab\t.", "bell^G ^@ ^? tab\t."],
  ["cut off \x1b", "cut off ^["],
  ["<b>&amp;</b>", "<b>&amp;</b>"],
])("of %j only the text is left", (text, expected) => {
  expect(plain(text)).toBe(expected);
  expect(segments(NO_STYLE, text).map((segment) => segment.text).join("")).toBe(expected);
});

test("what is written over leaves its style", () => {
  expect(segments(NO_STYLE, "\x1b[32m50%\r100%")).toEqual([{ text: "100%", style: "ansi-green" }]);
  expect(carried(NO_STYLE, "\x1b[32m50%\r100%\r\x1b[31m")).toBe("\x1b[32m\x1b[31m");
});

describe("a style lasts until it is reset, over lines", () => {
  test.each([
    [NO_STYLE, "plain", NO_STYLE],
    [NO_STYLE, "\x1b[31mred", "\x1b[31m"],
    ["\x1b[31m", "still", "\x1b[31m"],
    ["\x1b[31m", "\x1b[1mbold", "\x1b[31m\x1b[1m"],
    ["\x1b[31m", "end\x1b[0m", NO_STYLE],
    ["\x1b[31m", "end\x1b[m", NO_STYLE],
    ["\x1b[31m", "\x1b[0;32mgreen", "\x1b[0;32m"],
    [NO_STYLE, "\x1b[38;5;0mblack", "\x1b[38;5;0m"],
    ["\x1b[31m", "\x1b[2Jcleared", "\x1b[31m"],
  ])("%j, then %j: %j", (style, text, after) => expect(carried(style, text)).toBe(after));

  test("the line begins with it", () => {
    expect(segments("\x1b[31m", "red")).toEqual([{ text: "red", style: "ansi-red" }]);
  });

  test("it does not grow for ever", () => {
    let style = NO_STYLE;
    for (let line = 0; line < 100; line++) style = carried(style, "\x1b[1m\x1b[31m");
    expect(style.length).toBeLessThan(200);
  });
});

test("a line made to be slow is not", () => {
  const before = performance.now();
  plain("\x1b]".repeat(50_000));
  plain("\x1b[1".repeat(50_000));
  plain("\r".repeat(65_000));
  plain("\r\x1b[m".repeat(16_000));
  expect(performance.now() - before).toBeLessThan(1000);
});
