import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { leftAt, noticeAbsence } from "./away";

const NOON = Date.UTC(2026, 0, 31, 12);

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
  leftAt.value = null;
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  localStorage.clear();
});

function look(visible: boolean): void {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(visible ? "visible" : "hidden");
  document.dispatchEvent(new Event("visibilitychange"));
}

test("who is here for the first time has missed nothing", () => {
  noticeAbsence();
  expect(leftAt.value).toBeNull();
});

test("who looks away for a moment has not left", () => {
  noticeAbsence();
  look(false);
  vi.advanceTimersByTime(30_000);
  look(true);
  expect(leftAt.value).toBeNull();
});

test("who comes back to the tab, or opens the page anew, left when last seen", () => {
  noticeAbsence();
  look(false);
  vi.advanceTimersByTime(3_600_000);
  look(true);
  expect(leftAt.value).toBe(NOON);
  leftAt.value = null;
  noticeAbsence();
  expect(leftAt.value).toBe(NOON);
});
