import { afterEach, expect, test, vi } from "vitest";
import type { Schedule } from "../events";
import { chosenLanguage } from "../text/language";
import { sentence } from "./schedule";

function schedule(kind: Schedule["kind"], value: string | null, description = ""): Schedule {
  return { kind, value, description, timezone: "UTC" };
}

afterEach(() => {
  chosenLanguage.value = null;
});

test("in English it is the service's", () =>
  expect(sentence(schedule("every", "30s", "Every 30 seconds"))).toEqual({ text: "Every 30 seconds", lang: "en" }));

test("a start at a time is told by the reader's clock", () => {
  const text = "Once at 2026-12-31 19:00:00+00:00";
  expect(sentence(schedule("at", new Date(2027, 0, 1, 3).toISOString(), text))).toEqual({
    text: "Once on 1 Jan 2027, 03:00:00", lang: "en",
  });
});

test.each([
  [schedule("every", "30s"), "每 30 秒"],
  [schedule("every", "1h30m"), "每 1 小時 30 分鐘"],
  [schedule("every", "500ms"), "每 500 毫秒"],
  [schedule("at", new Date(2027, 0, 1, 3).toISOString()), "僅一次：2027年1月1日 03:00:00"],
  [schedule("manual", null), "僅手動啟動"],
])("in Chinese it says so where that takes few words", (given, text) => {
  chosenLanguage.value = "zh-Hant";
  expect(sentence(given)).toEqual({ text, lang: "zh-Hant" });
});

test("what takes more words is English, and says so, until the service has told it once", async () => {
  const fetch = vi.fn(async (_path: string, _options: RequestInit) => Response.json({ description: "每天 03:15", next: [] }));
  vi.stubGlobal("fetch", fetch);
  chosenLanguage.value = "zh-Hant";
  const nightly = schedule("cron", "15 3 * * *", "At 03:15");
  expect(sentence(nightly)).toEqual({ text: "At 03:15", lang: "en" });
  await vi.waitFor(() => expect(sentence(nightly)).toEqual({ text: "每天 03:15", lang: "zh-Hant" }));
  expect(fetch.mock.calls.map(([path, { headers }]) => [path, headers])).toEqual([
    ["api/v1/schedule/preview", expect.objectContaining({ "Accept-Language": "zh-Hant" })],
  ]);
});
