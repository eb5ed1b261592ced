import { beforeEach, expect, test, vi } from "vitest";
import { clock } from "../live/clock";
import { onZoomKey, pan, place, toPresent, viewAt, zoom } from "./place";
import { PAST } from "./view";

test("at first a short history is shown as large as it may be, later it is the reader who says", async () => {
  vi.resetModules();
  const { fit, place } = await import("./place");
  fit(clock.now() - 2 * 3_600_000);
  expect(place.value).toEqual({ past: 6 * 3_600_000 });
  fit(clock.now() - 60_000);
  expect(place.value).toEqual({ past: 6 * 3_600_000 });
});

beforeEach(() => {
  place.value = { past: PAST };
});

test("what moves nothing does not stop the present from moving on", () => {
  pan(-0.2);
  zoom(2, clock.now());
  expect(place.value).toEqual({ past: PAST });
  pan(0.2);
  expect(place.value).toEqual({ past: PAST });
});

test("Home leads to the beginning, End to the present, on the same scale", () => {
  place.value = { past: 3_600_000 };
  onZoomKey("Home");
  const now = clock.now();
  expect(viewAt(now).from).toBeCloseTo(now - PAST, -3);
  expect(viewAt(now).to - viewAt(now).from).toBeCloseTo(4_500_000, -1);
  onZoomKey("End");
  expect(place.value).toEqual({ past: 3_600_000 });
});

test("who follows the present stays with it", () => {
  const before = place.value;
  toPresent();
  expect(place.value).toBe(before);
});
