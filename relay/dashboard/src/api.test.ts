import { afterEach, expect, test, vi } from "vitest";
import { runScript, stopScript } from "./api";

function answer(response: () => Response | never) {
  const fetch = vi.fn(async (_path: string, _options: RequestInit) => response());
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

test("buttons call the API beside the page, with the name as it is", async () => {
  const fetch = answer(() => Response.json({}, { status: 202 }));
  await runScript("a.b-c");
  await stopScript("a.b-c");
  expect(fetch.mock.calls.map(([path, { method }]) => [method, path])).toEqual([
    ["POST", "api/v1/scripts/a.b-c/run"],
    ["POST", "api/v1/scripts/a.b-c/stop"],
  ]);
});

test("a refusal is told in the problem's words", async () => {
  answer(() => Response.json({ title: "Conflict", status: 409, detail: "backup is running" }, { status: 409 }));
  await expect(runScript("backup")).rejects.toThrow("backup is running");
});

test("a problem without detail is told by its title", async () => {
  answer(() => Response.json({ title: "Not Found" }, { status: 404 }));
  await expect(runScript("backup")).rejects.toThrow("Not Found");
});

test("an answer that is no problem document is told by its status", async () => {
  answer(() => new Response("<html>", { status: 502, statusText: "Bad Gateway" }));
  await expect(runScript("backup")).rejects.toThrow("The service answered 502 Bad Gateway.");
});

test("a service that is not there is told so", async () => {
  answer(() => {
    throw new TypeError("Failed to fetch");
  });
  await expect(runScript("backup")).rejects.toThrow("The service cannot be reached.");
});
