import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { claimDrafts, comeBack, draftsOf, forgetDrafts } from "./drafts";

const kept = async (address: string) => (await draftsOf<string>(address).get())?.draft ?? null;

test("nothing is given before it is known who asks", async () => {
  sessionStorage.setItem("cronscope.draft.a", JSON.stringify({ of: "ann", draft: "two" }));
  const asked = kept("a");
  expect(await Promise.race([asked, "not yet"])).toBe("not yet");
  claimDrafts("ann");
  expect(await asked).toBe("two");
});

beforeEach(() => claimDrafts("ann"));

afterEach(() => {
  vi.unstubAllGlobals();
  sessionStorage.clear();
  location.hash = "";
});

test("a draft is kept by the browser, by address, until it is saved", async () => {
  draftsOf("a").set("two");
  expect([await kept("a"), await kept("b")]).toEqual(["two", null]);
  draftsOf("a").set(null);
  expect(await kept("a")).toBeNull();
});

test("a draft that the browser does not keep outlives at least its place on the page", async () => {
  const full = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  vi.stubGlobal("sessionStorage", { getItem: () => null, removeItem() {}, setItem: full });
  draftsOf("a").set("two");
  expect([await kept("a"), draftsOf("a").isKept()]).toEqual(["two", false]);
  draftsOf("a").set(null);
  expect([await kept("a"), draftsOf("a").isKept()]).toEqual([null, true]);
});

test("a draft is there for who typed it, after they were taken for a stranger, too, and gone for the next user", async () => {
  draftsOf("a").set("two");
  claimDrafts(null);
  draftsOf("a").set(null);
  expect(await kept("a")).toBeNull();
  claimDrafts("ann");
  expect(await kept("a")).toBe("two");
  claimDrafts("bob");
  claimDrafts("ann");
  expect([await kept("a"), sessionStorage.length]).toEqual([null, 0]);
});

test("who signs out leaves no draft behind", async () => {
  sessionStorage.setItem("else", "stays");
  draftsOf("a").set("two");
  forgetDrafts();
  expect([await kept("a"), sessionStorage.length]).toEqual([null, 1]);
});

test("who left to sign in finds what they typed in that place as it was, once", async () => {
  location.hash = "#/new";
  draftsOf("a").set("two");
  comeBack();
  location.hash = "#/";
  expect((await draftsOf("a").get())?.resumes).toBe(false);
  location.hash = "#/new";
  expect((await draftsOf("a").get())?.resumes).toBe(true);
  expect((await draftsOf("a").get())?.resumes).toBe(false);
});

test("who left a place to sign in where they had typed nothing is asked about what they type and leave there later", async () => {
  location.hash = "#/new";
  comeBack();
  expect(await draftsOf("a").get()).toBeNull();
  draftsOf("a").set("two");
  expect((await draftsOf("a").get())?.resumes).toBe(false);
});
