import { expect, test } from "vitest";
import type { SystemMetrics } from "../events";
import { extended, fromSamples, type History, NO_HISTORY, NO_SAMPLES, withGaps } from "./samples";

const NOON = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;

function sample(cpu: number, receive = 0): SystemMetrics {
  return { cpu_percent: cpu, network_receive_bytes_per_second: receive } as SystemMetrics;
}

function heard(...seconds: number[]): History {
  return seconds.reduce((history, at) => extended(history, NOON + at * 1000, sample(at, at)), NO_HISTORY);
}

test("what is heard is added at the end, and kept for 15 minutes", () => {
  const history = extended(heard(0, 2, 4), NOON + 2000 + 15 * MINUTE, sample(9));
  expect(history.t).toEqual([NOON + 4000, NOON + 2000 + 15 * MINUTE]);
  expect(history.cpu).toEqual([4, 9]);
});

test("a snapshot knows all that was before it, and its last sample is heard of once", () => {
  const t = [0, 2, 4].map((at) => new Date(NOON + at * 1000).toISOString());
  const samples = {
    t, cpu_percent: [7, 8, 9], memory_percent: [1, 1, 1], disk_percent: [2, 2, 2],
    network_receive_bytes_per_second: [3, 4, 5], network_transmit_bytes_per_second: [6, 6, 6],
  };
  const history = fromSamples(samples, heard(2));
  expect(history).toMatchObject({ cpu: [7, 8, 9], receive: [3, 4, 5], transmit: [6, 6, 6] });
  expect(extended(history, NOON + 4000, sample(9, 5))).toBe(history);
});

test("a snapshot that knows nothing takes nothing away", () => {
  expect(fromSamples(NO_SAMPLES, heard(2, 4)).cpu).toEqual([2, 4]);
});

test("a clock that was set back begins a new history", () => expect(heard(10, 12, 3).t).toEqual([NOON + 3000]));

test("a gap is a time without values", () => {
  const history = withGaps(heard(0, 2, 4, 30, 32));
  expect(history.t).toEqual([0, 2, 4, 28, 30, 32].map((at) => NOON + at * 1000));
  expect(history.cpu).toEqual([0, 2, 4, null, 30, 32]);
});

test("without gaps nothing is done", () => {
  const history = heard(0, 2, 4, 7);
  expect(withGaps(history)).toBe(history);
});
