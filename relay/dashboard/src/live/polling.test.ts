import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Frame } from "../events";
import { Polling } from "./polling";

const NOON = "2026-01-31T12:00:00.000Z";
const ANSWERS: Record<string, unknown> = {
  "api/v1/scripts": { scripts: [{ name: "backup" }] },
  "api/v1/runs?status=running&limit=1000": { runs: [{ run_id: "R" }] },
  "api/v1/status": { sampled_at: NOON, system_metrics: { cpu_percent: 7 } },
};

let up: boolean;
let frames: Frame[];
let answering: boolean[];
let polling: Polling;

beforeEach(() => {
  vi.useFakeTimers();
  up = true;
  frames = [];
  answering = [];
  vi.stubGlobal("fetch", async (path: string) => {
    if (!up) throw new TypeError("Failed to fetch");
    return Response.json(ANSWERS[path]);
  });
  polling = new Polling((some) => frames.push(...some), (is) => answering.push(is));
});

afterEach(() => {
  polling.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("what the service answers comes as the stream would have sent it", async () => {
  polling.start();
  await vi.waitFor(() => expect(answering).toEqual([true]));
  expect(frames).toMatchObject([
    { type: "snapshot", data: { scripts: [{ name: "backup" }], active_runs: [{ run_id: "R" }], samples: { t: [] } } },
    { type: "system_metrics", timestamp: NOON, data: { cpu_percent: 7 } },
  ]);
});

test("it is asked again and again, whether it answers or not", async () => {
  up = false;
  polling.start();
  await vi.waitFor(() => expect(answering).toEqual([false]));
  up = true;
  await vi.advanceTimersByTimeAsync(5000);
  expect(answering).toEqual([false, true]);
});

test("once stopped, nothing is asked any more", async () => {
  polling.start();
  await vi.waitFor(() => expect(answering).toEqual([true]));
  polling.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(frames.length).toBe(2);
  expect(answering).toEqual([true, false]);
});
