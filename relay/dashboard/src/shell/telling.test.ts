import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const isLive = signal(true);
const online = signal(true);
const latest = signal<{ rows: null; heardAt: number | null }>({ rows: null, heardAt: 1 });
let hear: (frame: { type: string; data: object }) => void;
const onFrame = (listener: typeof hear) => ((hear = listener), () => {});
vi.mock("../live/live", () => ({ isLive, online, latest, onFrame }));

const { complain, messages } = await import("./announce");
const { ApiError } = await import("../api/client");
const { step } = await import("../route");
const { tellOfConnection, tellOfScripts } = await import("./telling");

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

test("a service that never answered has shown nothing that may be the past", () => {
  latest.value = { rows: null, heardAt: null };
  isLive.value = false;
  vi.advanceTimersByTime(10_000);
  expect(told()).toEqual([["urgent", "The service does not answer."]]);
  latest.value = { rows: null, heardAt: 1 };
});

test("failures of a while are told once, by their scripts' names, however often each has failed", () => {
  tellOfScripts();
  const fail = (name: string) => hear({ type: "script_status", data: { status: "failed", reason: "exit_code", script_name: name } });
  for (const name of ["backup", "backup", "sync"]) fail(name);
  vi.advanceTimersByTime(3_000);
  expect(told()).toEqual([["whispered", "backup, sync failed. Failing now: 0."]]);
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
