import { afterEach, expect, test } from "vitest";
import { chosenLanguage } from "../text/language";
import { fromYaml, serviceSettings, toYaml } from "./yaml";

afterEach(() => {
  chosenLanguage.value = null;
});

test.each([
  { name: "a", command: "echo 'x' | grep: y # no comment", at: "2027-01-01T00:00:00+01:00", env: { A: "010", B: "yes", C: "" } },
  { name: "b", command: ["sh", "-c", "a\nb"], timeout: 90, enabled: false, success_codes: [0, 3], description: "每日 ✓" },
])("an entry is the same after a way through YAML: %j", (entry) => {
  expect(fromYaml(toYaml(entry))).toMatchObject({ entry, faults: [] });
});

test("numbers that would read otherwise than they are written stay text", () => {
  expect(fromYaml("env: {A: 010, B: 1.50, C: 7, D: on}").entry).toEqual({ env: { A: "010", B: "1.50", C: 7, D: "on" } });
});

test.each([
  ["name: a\nb: [", 2],
  ["name: a\nname: b", 2],
  ["- name: a", 1],
  ["just text", 1],
  ["", 1],
  ["a: &x 1\nb: *x", 2],
])("%j is no entry, and line %i is at fault", (text, line) => {
  const { entry, faults } = fromYaml(text);
  expect(entry).toBeNull();
  expect(faults[0]).toMatchObject({ line });
});

test.each([
  ["a: [1, 2", "was not closed", "沒有關閉"],
  ["a: '1", "A bracket, a quotation mark", "這裡少了"],
  ["a: [1\nb: 2", "is indented otherwise", "縮排"],
  ["a: 1\na: 2", "stands here twice", "重複"],
  ["a:\n\tb: 1", "not by tabs", "定位字元"],
  ["a: 1\n---\nb: 2", "one document", "一份文件"],
  ['a: "\\q"', "escape", "跳脫"],
  ["a: @b", "quotation marks", "引號"],
])("what is wrong with %j is said in the page's language", (text, english, chinese) => {
  expect(fromYaml(text).faults[0]!.message).toContain(english);
  chosenLanguage.value = "zh-Hant";
  expect(fromYaml(text).faults[0]!.message).toContain(chinese);
});

test("a pointer leads to a line", () => {
  const { lineOf } = fromYaml("name: a\nenv:\n  A: 1\n  B: 2\nsuccess_codes:\n  - 0\n  - x\n");
  expect(["#/name", "#/env/B", "#/success_codes/1", "#/env/none", "#/none", ""].map(lineOf)).toEqual([1, 4, 7, 3, 1, 1]);
});

test("of a configuration, the service's own settings are read, and nothing else", () => {
  const config = "# top\ntimezone: UTC # here\nscripts:\n- name: a\n  timezone: UTC\n  broken: *nowhere\nretention:\n  runs: 5\n";
  expect(serviceSettings(config)).toEqual({
    timezone: "UTC", retention: { runs: "5", days: "30", bytes: "256MiB" },
  });
  expect(serviceSettings("").timezone).toBe("local");
});
