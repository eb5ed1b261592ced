import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Frame } from "../events";

const listeners = new Set<(frame: Frame) => void>();
const mended = vi.fn();
vi.mock("./live", () => ({
  mended,
  onFrame(listener: (frame: Frame) => void) {
    listeners.add(listener);
  },
}));
vi.mock("../access/session", () => ({ knowSession: vi.fn() }));
let answer: () => Promise<object>;
const getJson = vi.fn(() => answer());
vi.mock("../api/client", () => ({ getJson }));
const { knowService, problems } = await import("./service");
knowService();

const hear = (frame: object) => listeners.forEach((listener) => listener(frame as Frame));
const BROKEN = "the certificate cannot be used";

beforeEach(() => {
  vi.useFakeTimers();
  getJson.mockClear();
  mended.mockClear();
  answer = async () => ({ problems: [BROKEN] });
});

afterEach(() => vi.useRealTimers());

test("what was wrong before the page opened is known, until it is mended", async () => {
  hear({ type: "hello", data: {} });
  await vi.advanceTimersByTimeAsync(0);
  expect(problems.value).toEqual([BROKEN]);
  answer = async () => {
    throw new Error("away");
  };
  await vi.advanceTimersByTimeAsync(10_000);
  expect(problems.value).toEqual([BROKEN]);
  answer = async () => ({ problems: [] });
  hear({ type: "file_changed", data: { path: null } });
  await vi.advanceTimersByTimeAsync(0);
  expect(problems.value).toEqual([]);
  expect(mended).toHaveBeenLastCalledWith([BROKEN]);
  hear({ type: "file_changed", data: { path: null } });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(getJson).toHaveBeenCalledTimes(3); // there is nothing to ask after any more
});

test("what goes wrong in the service at large is asked after; what a script or a message of the page did wrong is not", () => {
  hear({ type: "error", data: { message: "no program", script_name: "backup" } });
  hear({ type: "error", data: { message: "unknown type", id: 1 } });
  expect(getJson).not.toHaveBeenCalled();
  hear({ type: "error", data: { message: BROKEN } });
  expect(getJson).toHaveBeenCalledTimes(1);
});
