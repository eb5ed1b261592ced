import { afterEach, expect, test, vi } from "vitest";
import { request } from "../api/client";
import { parse } from "../route";
import { followSession, knowSession, may, needOf, refused, session, signInAddress } from "./session";

function answer(status: number, body: object) {
  const fetch = vi.fn(async (_path: string, _options: RequestInit) => Response.json(body, { status }));
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

const ANN = { name: "ann", role: "operate", signed_in: true, can_sign_in: true, by_proxy: false, xsrf_token: "x" };

afterEach(() => {
  vi.unstubAllGlobals();
  session.value = null;
  location.hash = "";
});

test("until the service has told who asks, it alone decides", () => {
  expect(may("edit")).toBe(true);
});

test("a role may do what it contains", async () => {
  answer(200, ANN);
  await knowSession();
  expect([may("view"), may("operate"), may("edit")]).toEqual([true, true, false]);
});

test("what changes something shows the session's token, and what does not change anything does not", async () => {
  answer(200, ANN);
  await knowSession();
  const fetch = answer(200, {});
  await request("api/v1/scripts/a/run", { method: "POST" });
  await request("api/v1/status");
  expect(fetch.mock.calls.map(([, { headers }]) => (headers as Record<string, string>)["X-XSRF-Token"])).toEqual([
    "x",
    undefined,
  ]);
});

test("who may do nothing at all learns what the service says to that, till it says otherwise", async () => {
  answer(403, { detail: "This takes the role scrape, and bob has none." });
  await knowSession();
  expect(refused.value).toBe("This takes the role scrape, and bob has none.");
  answer(200, ANN);
  await knowSession();
  expect(refused.value).toBeNull();
});

test("who is not signed in is led to the form, and back to where they were", async () => {
  const led: string[] = [];
  followSession((address) => led.push(address));
  location.hash = "#/scripts/backup/output?line=5";
  answer(403, {});
  await request("api/v1/status").catch(() => {});
  expect(led).toEqual([]);
  answer(401, {});
  await knowSession();
  expect(led).toEqual(["login?next=%23%2Fscripts%2Fbackup%2Foutput%3Fline%3D5"]);
  expect(signInAddress()).toBe(led[0]);
});

test.each([
  ["#/", "view"], ["#/runs", "view"], ["#/files", "view"], ["#/scripts/a/runs", "view"], ["#/scripts/a/output", "view"],
  ["#/new", "edit"], ["#/config", "edit"], ["#/files/a.sh", "edit"], ["#/scripts/a/code", "edit"],
  ["#/scripts/a/settings", "edit"], ["#/scripts/a/versions", "edit"],
])("%s takes the role %s", (address, role) => {
  expect(needOf(parse(address))).toBe(role);
});
