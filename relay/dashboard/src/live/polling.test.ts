import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Frame } from "../events";
import { Polling } from "./polling";

const NOON = "2026-01-31T12:00:00.000Z";
const ANSWERS: Record<string, unknown> = {
  "api/v1/scripts": { scripts: [{ name: "backup" }] },
  "api/v1/runs?status=running&limit=1000": { runs: [{ run_id: "R" }] },
  "api/v1/status": {
    version: "1.2.3", epoch: "e", seq: 1, active_scripts: 0, sampled_at: NOON, now: NOON, system_metrics: { cpu_percent: 7 },
  },
};

let up: boolean;
let status: object;
/** The service's clock before this machine's, in milliseconds. */
let ahead: number;
let asked: string[];
let frames: Frame[];
let answering: boolean[];
let polling: Polling;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(NOON) });
  up = true;
  status = {};
  ahead = 0;
  asked = [];
  frames = [];
  answering = [];
  vi.stubGlobal("fetch", async (path: string) => {
    if (!up) throw new TypeError("Failed to fetch");
    asked.push(path.split("?")[0]!);
    const now = new Date(Date.now() + ahead).toISOString();
    return Response.json({ ...(ANSWERS[path] as object), ...(path === "api/v1/status" ? { now, ...status } : {}) });
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
    { type: "hello", data: { epoch: "e", seq: 1, resumed: false, now: NOON } },
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

test("no more is asked for than may have changed", async () => {
  const all = ["api/v1/status", "api/v1/scripts", "api/v1/runs"];
  const next = async () => {
    asked = [];
    await vi.advanceTimersByTimeAsync(5000);
    return asked;
  };
  polling.start();
  await vi.waitFor(() => expect(asked).toEqual(all));
  await vi.waitFor(() => expect(answering).toEqual([true]));
  expect(await next()).toEqual(["api/v1/status"]);
  expect(frames.map(({ type }) => type)).toEqual(["hello", "snapshot", "system_metrics", "system_metrics"]);
  status = { seq: 2 };
  expect(await next()).toEqual(all);
  status = { seq: 2, active_scripts: 1 };
  expect(await next()).toEqual(all); // what is under way gets on
  status = { epoch: "f", seq: 2 };
  expect(await next()).toEqual(all);
  polling.stop();
  asked = [];
  polling.start();
  await vi.waitFor(() => expect(asked).toEqual(all));
});

test("the service's time is told at first, and when either clock has been set", async () => {
  const told = () => frames.flatMap((frame) => (frame.type === "hello" ? [frame.data.now, frame.data.resumed] : []));
  ahead = 3_600_000;
  polling.start();
  await vi.waitFor(() => expect(told()).toEqual(["2026-01-31T13:00:00.000Z", false]));
  await vi.advanceTimersByTimeAsync(5000);
  expect(told()).toHaveLength(2);
  ahead = 0;
  await vi.advanceTimersByTimeAsync(5000);
  expect(told()).toEqual([expect.any(String), false, expect.stringMatching(/^2026-01-31T12:00:10/), true]);
});

test("once stopped, nothing is asked any more", async () => {
  polling.start();
  await vi.waitFor(() => expect(answering).toEqual([true]));
  polling.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(frames.length).toBe(3);
  expect(answering).toEqual([true, false]);
});
