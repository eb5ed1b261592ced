import { afterEach, expect, test, vi } from "vitest";
import { draftsOf } from "./drafts";

const DRAFT = { base: { text: "one", etag: "1" }, text: "two" };

afterEach(() => {
  vi.restoreAllMocks();
  sessionStorage.clear();
});

test("a draft is kept by the browser, by address, until it is saved", () => {
  draftsOf("a").set(DRAFT);
  expect([draftsOf("a").get(), draftsOf("b").get()]).toEqual([DRAFT, null]);
  draftsOf("a").set(null);
  expect(draftsOf("a").get()).toBeNull();
});

test("a draft that the browser does not keep outlives at least its place on the page", () => {
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  draftsOf("a").set(DRAFT);
  expect(draftsOf("a").get()).toEqual(DRAFT);
  draftsOf("a").set(null);
  expect(draftsOf("a").get()).toBeNull();
});
