import { beforeEach, expect, test, vi } from "vitest";
import { clock } from "../live/clock";
import { lookAt, onZoomKey, pan, place, placeOf, placeQuery, toPresent, viewAt, zoom } from "./place";
import { PAST } from "./view";

test("at first a short history is shown as large as it may be, later it is the reader who says", async () => {
  vi.resetModules();
  const { fit, place, placeQuery } = await import("./place");
  fit(clock.now() - 2 * 3_600_000);
  expect(place.value).toEqual({ past: 6 * 3_600_000 });
  fit(clock.now() - 60_000);
  expect(place.value).toEqual({ past: 6 * 3_600_000 });
  expect(placeQuery()).toEqual({});
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

test("where the reader looks can be told in an address, and of an address is kept what can be seen", () => {
  const now = Math.floor(clock.now());
  for (const wanted of [{ past: 5_400_000 }, { view: { from: now - 7_200_000, to: now - 3_600_000 } }]) {
    lookAt(wanted);
    expect(placeOf(new URLSearchParams(placeQuery()))).toEqual(wanted);
  }
  const days = (n: number) => new Date(now - n * 86_400_000).toISOString();
  for (const query of ["", "past=5", "past=x", "past=1e9", `from=${days(9)}&to=${days(8)}`, `from=${days(0)}&to=${days(0.5)}`]) {
    expect(placeOf(new URLSearchParams(query))).toBe(null);
  }
  const { from, to } = (placeOf(new URLSearchParams({ from: days(3), to: days(0) })) as { view: { from: number; to: number } }).view;
  expect(to - from).toBeLessThanOrEqual(30 * 3_600_000);
});
