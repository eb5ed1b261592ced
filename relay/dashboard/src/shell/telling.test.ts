import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const isLive = signal(true);
const online = signal(true);
vi.mock("../live/live", () => ({ isLive, online, latest: signal({ rows: null }), onFrame: () => () => {} }));

const { complain, messages } = await import("./announce");
const { ApiError } = await import("../api/client");
const { step } = await import("../route");
const { tellOfConnection } = await import("./telling");

const told = () => messages.value.map(({ kind, text }) => [kind, text]);
const LOST = ["urgent", "The connection to the service is lost. What is shown may be the past."];

let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  isLive.value = online.value = true;
  stop = tellOfConnection();
});

afterEach(() => {
  stop();
  messages.value = [];
  vi.useRealTimers();
});

test("a connection that is away for a moment is nothing to tell", () => {
  isLive.value = false;
  vi.advanceTimersByTime(9_000);
  isLive.value = true;
  vi.advanceTimersByTime(60_000);
  expect(told()).toEqual([]);
});

test("what is told of a lost connection is taken back when it is there again", () => {
  isLive.value = false;
  vi.advanceTimersByTime(10_000);
  expect(told()).toEqual([LOST]);
  isLive.value = true;
  expect(told()).toEqual([["said", "Connected again."]]);
  vi.advanceTimersByTime(10_000);
  expect(told()).toEqual([]);
});

test("what is told is why it is lost by now", () => {
  isLive.value = online.value = false;
  vi.advanceTimersByTime(10_000);
  expect(told()).toEqual([["urgent", "This machine is offline. What is shown may be the past."]]);
  online.value = true;
  expect(told()).toEqual([LOST]);
});

test("who has dismissed it is told of the connection's return", () => {
  isLive.value = false;
  vi.advanceTimersByTime(10_000);
  messages.value = [];
  isLive.value = true;
  expect(told()).toEqual([["said", "Connected again."]]);
});

test("that the service cannot be reached goes once it can, any other complaint with the place", () => {
  isLive.value = false;
  complain(new ApiError("cannot be reached"));
  complain(new ApiError("is running already", 409));
  step.value += 1;
  expect(told()).toEqual([["urgent", "cannot be reached"]]);
  isLive.value = true;
  expect(told()).toEqual([]);
  complain(new ApiError("cannot be reached")); // the connection does not know of it
  step.value += 1;
  expect(told()).toEqual([]);
});
