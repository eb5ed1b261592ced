import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { clock } from "../live/clock";
import type { ScriptRow } from "../live/store";

const NOON = Date.UTC(2026, 0, 31, 12);
const ROW: ScriptRow = {
  name: "backup", description: "", enabled: true, runs: [], result: null, nextStart: null,
  schedule: { kind: "every", value: "30s", timezone: "UTC", description: "Every 30 seconds" }, problem: null,
  labels: {}, recent: null, past: 0, lastSuccess: NOON - 50_000, overlap: "skip", withoutSuccessSince: null, progress: new Map(), successAgeLimit: 60_000,
};

const isLive = signal(true);
const latest = signal({ rows: new Map([["backup", ROW]]) });
vi.mock("../live/live", () => ({ isLive, latest }));
const { tellByTitle } = await import("./title");

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
  document.head.innerHTML = '<link rel="icon" href="x">';
  isLive.value = true;
});

afterEach(() => {
  clock.stoppedAt = null;
  vi.useRealTimers();
});

test("the title tells what becomes overdue, though the page is paused", () => {
  tellByTitle();
  expect(document.title).toBe("Cronscope");
  clock.stoppedAt = NOON; // as it is while the reader has paused the page
  vi.setSystemTime(NOON + 20_000);
  latest.value = { ...latest.value }; // the next sample
  expect(document.title).toBe("1 overdue · Cronscope");
});

test("the title does not tell of a present that is not known", () => {
  tellByTitle();
  isLive.value = false;
  expect(document.title).toBe("Not connected · Cronscope");
});
