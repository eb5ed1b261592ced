import { signal } from "@preact/signals";
import { h, render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { over, session } from "../access/session";
import { claimDrafts } from "../drafts";
import type { Source } from "./source";

vi.mock("../live/live", () => ({ isLive: signal(true), onFrame: () => () => {} }));
vi.mock("../shell/title", () => ({ unsaved: signal(false) }));
const { useSession } = await import("./useSession");

const ANN = { name: "ann", role: "edit", signed_in: true, can_sign_in: true, by_proxy: false, xsrf_token: "x" } as const;

const source = {
  address: "file", name: "file.sh", takesErrors: true,
  etag: vi.fn(async () => '"1"'),
  read: async () => ({ text: "one", etag: '"1"' }),
  write: async () => ({ etag: '"2"' }),
  check: vi.fn(async () => []),
} satisfies Source;

let opened: ReturnType<typeof useSession>;
function Part() {
  opened = useSession(source);
  return null;
}

/** How often the service is asked in `ms` milliseconds: what the file is, and what is wrong with the text. */
async function asked(ms: number): Promise<[looks: number, checks: number]> {
  source.etag.mockClear();
  source.check.mockClear();
  await vi.advanceTimersByTimeAsync(ms);
  return [source.etag.mock.calls.length, source.check.mock.calls.length];
}

let root: HTMLElement;

beforeEach(async () => {
  vi.useFakeTimers();
  session.value = ANN;
  claimDrafts("ann");
  root = document.body.appendChild(document.createElement("div"));
  await act(() => render(h(Part, {}), root));
});

afterEach(async () => {
  await act(() => render(null, root));
  root.remove();
  session.value = over.value = null;
  vi.useRealTimers();
});

test("an editor asks for nothing while the page waits for the reader to sign in, and goes on when they have", async () => {
  await asked(100);
  opened.text.value = "two";
  expect(await asked(3_000)).toEqual([2, 1]);
  over.value = { by: null };
  opened.text.value = "three";
  expect(await asked(30_000)).toEqual([0, 0]);
  over.value = null;
  session.value = { ...ANN, xsrf_token: "y" };
  expect(await asked(3_000)).toEqual([2, 1]);
});
