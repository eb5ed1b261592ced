import { effect } from "@preact/signals";
import { afterEach, expect, test, vi } from "vitest";
import { ApiError, askAs, request } from "../api/client";
import { draftsOf } from "../drafts";
import { guardLeaving, parse } from "../route";
import {
  followSession, knowSession, may, mayLook, needOf, over, refused, session, signInAddress, signInAsAnother, signOut,
} from "./session";

function answer(status: number, body: object) {
  const fetch = vi.fn(async (_path: string, _options: RequestInit) => Response.json(body, { status }));
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

const ANN = { name: "ann", role: "operate", signed_in: true, can_sign_in: true, by_proxy: false, xsrf_token: "x" };

/** Answers by address, the last of several again and again. */
function answers(of: Record<string, [status: number, body: object][]>) {
  const fetch = vi.fn(async (path: string, _options: RequestInit) => {
    const left = of[path]!;
    const [status, body] = left.length > 1 ? left.shift()! : left[0]!;
    return Response.json(body, { status });
  });
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

const led = vi.spyOn(location, "assign").mockImplementation(() => {});
followSession();

afterEach(() => {
  vi.unstubAllGlobals();
  led.mockClear();
  session.value = over.value = refused.value = null;
  askAs({ name: null, xsrf_token: null });
  sessionStorage.clear();
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

test("what is offered is drawn anew when the role is another one, not whenever it is asked who this is", async () => {
  const drawn: boolean[] = [];
  const end = effect(() => void drawn.push(may("edit") && mayLook()));
  answer(200, { ...ANN, role: "edit" });
  await knowSession();
  answer(200, { ...ANN, role: "edit", xsrf_token: "y" }); // with the next connection
  await knowSession();
  expect(drawn).toEqual([true]);
  answer(200, ANN);
  await knowSession();
  expect(drawn).toEqual([true, false]);
  end();
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
  location.hash = "#/scripts/backup/output?line=5";
  answer(403, {});
  await request("api/v1/status").catch(() => {});
  expect(led).not.toHaveBeenCalled();
  answer(401, {});
  await knowSession();
  expect(led.mock.calls).toEqual([["login?next=%23%2Fscripts%2Fbackup%2Foutput%3Fline%3D5"]]);
  expect(signInAddress()).toBe(led.mock.calls[0]![0]);
});

test("who has something unsaved is not led away as their session ends, and told so in plain words", async () => {
  answer(200, ANN);
  await knowSession();
  const release = guardLeaving(() => "Leave?");
  answer(401, { detail: "This takes the role edit: sign in." });
  await expect(request("api/v1/scripts", { method: "POST" })).rejects.toThrow("Your session has ended: sign in");
  expect([led.mock.calls, over.value, session.value, mayLook()]).toEqual([[], { by: null }, ANN, false]);
  answer(200, ANN);
  dispatchEvent(new Event("focus"));
  await vi.waitFor(() => expect([over.value, mayLook()]).toEqual([null, true]));
  release();
});

test("what is refused for want of a new session's token is asked for again with it", async () => {
  answer(200, ANN);
  await knowSession();
  const fetch = answers({
    "api/v1/session": [[200, { ...ANN, xsrf_token: "y" }]],
    "api/v1/scripts/a/run": [[403, {}], [202, {}]],
  });
  expect((await request("api/v1/scripts/a/run", { method: "POST" })).status).toBe(202);
  expect(fetch.mock.lastCall![1].headers).toMatchObject({ "X-XSRF-Token": "y" });
});

test("what the role does not allow is refused once", async () => {
  answer(200, ANN);
  await knowSession();
  const fetch = answers({ "api/v1/session": [[200, ANN]], "api/v1/reload": [[403, { detail: "No." }]] });
  await expect(request("api/v1/reload", { method: "POST" })).rejects.toThrow("No.");
  expect(fetch).toHaveBeenCalledTimes(2);
});

const BOB = { ...ANN, name: "bob", role: "view", xsrf_token: "z" };

test("nothing is done as somebody else who has signed in meanwhile", async () => {
  answer(200, ANN);
  await knowSession();
  const fetch = answers({ "api/v1/session": [[200, BOB]], "api/v1/scripts": [[403, {}]] });
  await expect(request("api/v1/scripts", { method: "POST" })).rejects.toEqual(
    new ApiError("Not done: bob has signed in here meanwhile.", 403),
  );
  expect([fetch.mock.calls.length, session.value, over.value]).toEqual([2, BOB, null]);
});

/** A change that ann sends is refused only when bob has signed in, and the page is his; `found` are the sessions asked for. */
async function refusedLate(...found: object[]) {
  answer(200, ANN);
  await knowSession();
  let refuse!: (response: Response) => void;
  const changes = vi.fn(async (_options: RequestInit) => new Response(null, { status: 202 }));
  changes.mockReturnValueOnce(new Promise((resolve) => (refuse = resolve)));
  vi.stubGlobal("fetch", async (path: string, options: RequestInit) =>
    path === "api/v1/session" ? Response.json(found.shift()) : changes(options),
  );
  const sent = request("api/v1/scripts/a/run", { method: "POST" });
  await knowSession(); // with the next connection
  expect(session.value).toEqual(BOB);
  refuse(Response.json({}, { status: 403 }));
  return { sent, changes };
}

test("a change that is refused late is not repeated as who has signed in by then", async () => {
  const { sent, changes } = await refusedLate(BOB, BOB);
  await expect(sent).rejects.toEqual(new ApiError("Not done: bob has signed in here meanwhile.", 403));
  expect(changes).toHaveBeenCalledOnce();
});

test("a change that is refused late is repeated as who sent it, where they have signed in again by then", async () => {
  const { sent, changes } = await refusedLate(BOB, { ...ANN, xsrf_token: "y" });
  expect((await sent).status).toBe(202);
  expect(changes.mock.lastCall![0].headers).toMatchObject({ "X-XSRF-Token": "y" });
});

test("who has signed in meanwhile is signed out with their own token, and nothing else is asked with it", async () => {
  answer(200, ANN);
  await knowSession();
  const release = guardLeaving(() => "Leave?");
  answer(200, BOB);
  await knowSession();
  const fetch = vi.fn(async (_path: string, _options: RequestInit): Promise<Response> => {
    throw new TypeError("Failed to fetch");
  });
  vi.stubGlobal("fetch", fetch);
  await expect(signInAsAnother()).rejects.toThrow("The service cannot be reached.");
  await expect(request("api/v1/scripts", { method: "POST" })).rejects.toThrow("The service cannot be reached.");
  expect(fetch.mock.calls.map(([path, { headers }]) => [path, (headers as Record<string, string>)["X-XSRF-Token"]])).toEqual([
    ["logout", "z"],
    ["api/v1/scripts", "x"],
  ]);
  expect(led).not.toHaveBeenCalled();
  fetch.mockImplementation(async () => new Response(null, { status: 204 }));
  await signInAsAnother();
  expect(led).toHaveBeenCalledOnce();
  release();
});

test("a page with something unsaved is not handed to somebody else", async () => {
  answer(200, ANN);
  await knowSession();
  draftsOf("a").set("mine");
  const release = guardLeaving(() => "Leave?");
  answer(200, BOB);
  await knowSession();
  expect([session.value, over.value, sessionStorage.length]).toEqual([ANN, { by: BOB }, 1]);
  release();
  await knowSession();
  expect([session.value, over.value, sessionStorage.length]).toEqual([BOB, null, 0]);
});

test("where anybody may look, the page goes on without a session, and says that it has ended", async () => {
  answer(200, ANN);
  await knowSession();
  answer(200, { ...ANN, name: null, role: "view", signed_in: false, xsrf_token: null });
  await knowSession();
  await knowSession(); // with the next connection
  expect([session.value!.role, over.value, mayLook()]).toEqual(["view", { by: null }, true]);
});

test("who signs out is asked about what is unsaved before it is too late, and leaves nothing behind", async () => {
  answer(200, ANN);
  await knowSession();
  draftsOf("a").set("mine");
  const fetch = answer(200, {});
  const release = guardLeaving(() => "Leave?");
  const confirm = vi.fn(() => false);
  vi.stubGlobal("confirm", confirm);
  await signOut("this");
  expect([confirm.mock.calls, fetch.mock.calls, sessionStorage.length]).toEqual([[["Leave?"]], [], 1]);
  confirm.mockReturnValue(true);
  await signOut("this");
  expect([led.mock.calls, sessionStorage.length]).toEqual([[["login"]], 0]);
  release();
});

test("who may do no more than read metrics is asked for nothing else", async () => {
  answer(200, { ...ANN, role: "scrape" });
  await knowSession();
  expect([mayLook(), led.mock.calls]).toEqual([false, []]);
  answer(200, { ...ANN, name: null, role: "scrape" });
  session.value = null;
  await knowSession();
  expect(led).toHaveBeenCalledOnce();
});

test.each([
  ["#/", "view"], ["#/runs", "view"], ["#/files", "view"], ["#/scripts/a/runs", "view"], ["#/scripts/a/output", "view"],
  ["#/new", "edit"], ["#/config", "edit"], ["#/files/a.sh", "edit"], ["#/scripts/a/code", "edit"],
  ["#/scripts/a/settings", "edit"], ["#/scripts/a/versions", "edit"],
])("%s takes the role %s", (address, role) => {
  expect(needOf(parse(address))).toBe(role);
});
