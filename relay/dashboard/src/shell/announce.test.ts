import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { alarm, announce, dismiss, messages, whisper } from "./announce";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  messages.value = [];
  vi.useRealTimers();
});

const texts = () => messages.value.map(({ text }) => text);

test("what is said goes by itself, an alarm stays until it is dismissed", () => {
  announce("started");
  whisper("one failed");
  alarm("not saved");
  vi.advanceTimersByTime(10_000);
  expect(texts()).toEqual(["not saved"]);
  dismiss(messages.value[0]!.id);
  expect(texts()).toEqual([]);
});

test("an alarm goes when it is no longer true", () => {
  const withdraw = alarm("not connected");
  alarm("not saved");
  withdraw();
  expect(texts()).toEqual(["not saved"]);
});

test("the same is not there twice, and not more than three of a kind at once", () => {
  alarm("not saved");
  ["a", "b", "a", "c", "d"].forEach(announce);
  expect(texts()).toEqual(["not saved", "a", "c", "d"]);
});
