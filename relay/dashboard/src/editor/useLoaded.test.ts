import { signal } from "@preact/signals";
import { h, render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../api/client";
import type { Frame } from "../events";

const isLive = signal(true);
const connection = signal({ kind: "live" });
const listeners = new Set<(frame: Frame) => void>();
vi.mock("../live/live", () => ({
  isLive,
  connection,
  onFrame(listener: (frame: Frame) => void) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
}));
const { useLoaded } = await import("./useLoaded");

let root: HTMLElement;
let isAway: boolean;
const load = vi.fn(async () => {
  if (isAway) throw new ApiError("away");
  return "here";
});

function Part() {
  const { value, problem } = useLoaded(load, [], ({ type }) => type === "file_changed");
  return h("p", {}, problem ?? value ?? "");
}

const hear = (type: string) => listeners.forEach((listener) => listener({ type } as Frame));
const shows = (text: string) => vi.waitFor(() => expect(root.textContent).toBe(text));
const asked = (times: number) => vi.waitFor(() => expect(load).toHaveBeenCalledTimes(times));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  load.mockClear();
  isAway = false;
  isLive.value = true;
  connection.value = { kind: "live" };
  root = document.body.appendChild(document.createElement("div"));
});

afterEach(async () => {
  await act(() => render(null, root));
  root.remove();
  vi.useRealTimers();
});

const show = () => act(() => render(h(Part, {}), root));

test("what could not be had while the service was away comes when the connection is back", async () => {
  isAway = true;
  isLive.value = false;
  await show();
  await shows("away");
  isAway = false;
  isLive.value = true;
  await shows("here");
  expect(load).toHaveBeenCalledTimes(2);
});

test("what is asked for is asked for anew with news, and not with other frames", async () => {
  await show();
  await shows("here");
  hear("system_metrics");
  hear("file_changed");
  hear("file_changed");
  await asked(2);
});

test("where no events come, it is asked for anew from time to time", async () => {
  connection.value = { kind: "polling" };
  await show();
  await shows("here");
  hear("system_metrics");
  vi.setSystemTime(Date.now() + 60_000);
  hear("system_metrics");
  hear("system_metrics");
  await asked(2);
});
