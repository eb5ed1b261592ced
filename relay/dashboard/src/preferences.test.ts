import { expect, test } from "vitest";
import { flag } from "./preferences";

test("a choice is kept for the next page", () => {
  flag("a", true).value = false;
  expect(flag("a", true).value).toBe(false);
});

test.each(["{", '"yes"', "null"])("of %s that the browser kept the initial value is made", (kept) => {
  localStorage.setItem("cronscope.b", kept);
  expect(flag("b", true).value).toBe(true);
});

test("a change in another tab is one here", () => {
  const choice = flag("c", true);
  localStorage.setItem("cronscope.c", "false");
  dispatchEvent(new StorageEvent("storage", { key: "cronscope.c" }));
  expect(choice.value).toBe(false);
});
