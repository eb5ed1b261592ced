import { afterEach, expect, test, vi } from "vitest";
import { ApiError, query, request } from "./client";
import { runScript, stopScript, switchScript } from "./scripts";

function answer(response: () => Response | never) {
  const fetch = vi.fn(async (_path: string, _options: RequestInit) => response());
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

test("buttons call the API beside the page, with the name as it is", async () => {
  const fetch = answer(() => Response.json({ run_id: "R" }, { status: 202 }));
  expect(await runScript("a.b-c")).toBe("R");
  await stopScript("a.b-c");
  await switchScript("a.b-c", false);
  expect(fetch.mock.calls.map(([path, { method }]) => [method, path])).toEqual([
    ["POST", "api/v1/scripts/a.b-c/run"],
    ["POST", "api/v1/scripts/a.b-c/stop"],
    ["POST", "api/v1/scripts/a.b-c/disable"],
  ]);
});

test("a change says which state it is meant for", async () => {
  const fetch = answer(() => Response.json({}));
  await request("api/v1/config", { method: "PUT", text: "a: 1", ifMatch: '"1"' });
  expect(fetch.mock.calls[0]![1]).toMatchObject({ body: "a: 1", headers: { "If-Match": '"1"' } });
});

test("a refusal is told in the problem's words, with each fault", async () => {
  const errors = [{ pointer: "/cron", message: "expected 5 fields" }];
  answer(() => Response.json({ title: "Conflict", status: 422, detail: "two faults", errors }, { status: 422 }));
  await expect(runScript("backup")).rejects.toMatchObject({ message: "two faults", status: 422, faults: errors });
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
  await expect(runScript("backup")).rejects.toEqual(new ApiError("The service cannot be reached."));
});

test("a request that is no longer wanted is no fault of the service", async () => {
  const gone = new AbortController();
  gone.abort();
  answer(() => {
    throw gone.signal.reason;
  });
  await expect(request("api/v1/runs", { signal: gone.signal })).rejects.toBe(gone.signal.reason);
});

test.each([
  [{}, ""],
  [{ script: "a b", limit: 30, q: undefined, status: "" }, "?script=a+b&limit=30"],
])("of %j a query has what is given", (parameters, text) => expect(query(parameters)).toBe(text));
