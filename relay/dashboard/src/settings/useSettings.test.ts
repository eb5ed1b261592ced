import { signal } from "@preact/signals";
import { h, render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../api/client";
import { claimDrafts } from "../drafts";
import { messages } from "../shell/announce";
import { chosenLanguage } from "../text/language";
import type { Entry } from "./entry";

/** The entry in the file, with the times it was changed for a tag. */
let file: { entry: Entry; turn: number };
let heard = () => {};

const found = () => ({ value: { name: "job", config: file.entry }, etag: String(file.turn) });
function write(entry: Entry, etag: string) {
  if (!isLive.value) throw new ApiError("away");
  if (etag !== String(file.turn)) throw new ApiError("changed", 412);
  change(entry);
  return found();
}
function change(entry: Entry): void {
  file = { entry, turn: file.turn + 1 };
}

vi.mock("../api/scripts", () => ({
  readScript: async () => found(),
  changeScript: async (_: string, patch: Entry, etag: string) => write({ ...file.entry, ...patch }, etag),
  replaceScript: async (_: string, entry: Entry, etag: string) => write(entry, etag),
}));
const isLive = signal(true);
vi.mock("../live/live", () => ({
  isLive,
  latest: signal({ rows: new Map([["job", {}]]) }),
  reveal: () => {},
  onFrame(listener: (frame: unknown) => void) {
    heard = () => listener({ type: "script_changed", data: { op: "updated", script: { name: "job", config: file.entry } } });
    return () => {};
  },
}));
const { useSettings } = await import("./useSettings");

let root: HTMLElement;
let settings: ReturnType<typeof useSettings>;

async function open(): Promise<void> {
  root = document.body.appendChild(document.createElement("div"));
  await act(() => render(h(() => ((settings = useSettings("job")), null), {}), root));
  await vi.waitFor(() => expect(settings.form).not.toBeNull());
}

async function leave(): Promise<void> {
  await act(() => render(null, root));
  root.remove();
}

beforeEach(async () => {
  messages.value = [];
  sessionStorage.clear();
  claimDrafts("ann");
  file = { entry: { name: "job", command: "true", timeout: "1m" }, turn: 1 };
  await open();
});

afterEach(leave);

const elsewhere = (entry: Entry) =>
  act(async () => {
    change({ ...file.entry, ...entry });
    heard();
  });
const save = () => act(() => settings.save());

test("what someone else made of a field is not saved over before the reader decides", async () => {
  await act(() => settings.type({ timeout: "2m" }));
  change({ ...file.entry, timeout: "9m" });
  await save();
  await vi.waitFor(() => expect(settings.note).toContain("Someone else has changed"));
  await save();
  await save();
  expect(file.entry["timeout"]).toBe("9m");
  expect(settings.note).toContain("decide first");
  await act(() => settings.decide("timeout", "mine"));
  expect(settings.note).toBeNull();
  await save();
  expect([file.entry["timeout"], settings.isChanged]).toEqual(["2m", false]);
});

test("a field that was typed back to what someone else made of it is no decision to take", async () => {
  await act(() => settings.type({ timeout: "2m", description: "mine" }));
  await elsewhere({ timeout: "9m" });
  await act(() => settings.type({ timeout: "9m" }));
  await save();
  expect(file.entry).toMatchObject({ timeout: "9m", description: "mine" });
});

test("a text does not replace what someone else did before the reader decides", async () => {
  await act(() => settings.showText());
  await act(() => settings.typeText(settings.text!.text.replace("1m", "2m")));
  await elsewhere({ timeout: "9m", retries: 3 });
  expect(settings.isContested).toBe(true);
  expect(messages.value).toEqual([]);
  await save();
  expect(settings.note).toContain("decide first");
  expect(file.entry).toMatchObject({ timeout: "9m", retries: 3 });
  await act(() => settings.keepText());
  await save();
  expect(file.entry).toEqual({ name: "job", command: "true", timeout: "2m" });
});

test("a text that someone else has overtaken becomes a form in which their changes stand, and those of both are marked", async () => {
  await act(() => settings.type({ description: "mine" }));
  await act(() => settings.showText());
  await act(() => settings.typeText(settings.text!.text.replace("1m", "2m")));
  await elsewhere({ timeout: "9m", retries: 3 });
  await act(() => settings.showForm());
  expect(settings.form!.draft).toMatchObject({ timeout: "2m", retries: "3", description: "mine" });
  await save();
  expect(file.entry["timeout"]).toBe("9m");
  await act(() => settings.decide("timeout", "theirs"));
  await save();
  expect(file.entry).toMatchObject({ timeout: "9m", retries: 3, description: "mine" });
});

test("a save that did not reach the service can be tried again when the connection is back", async () => {
  await act(() => settings.type({ timeout: "2m" }));
  isLive.value = false;
  await save();
  expect([settings.note, settings.isBack]).toEqual(["away", false]);
  await act(() => void (isLive.value = true));
  expect([settings.note, settings.isBack]).toEqual([null, true]);
  await save();
  expect([file.entry["timeout"], settings.isBack]).toEqual(["2m", false]);
});

test("what is wrong with a text is told in the language that the page is switched to", async () => {
  await act(() => settings.showText());
  await act(() => settings.typeText("name: job\nname: job\n"));
  await save();
  expect(settings.faults[0]!.message).toContain("twice");
  await act(() => void (chosenLanguage.value = "zh-Hant"));
  expect(settings.faults[0]!.message).toContain("重複");
  chosenLanguage.value = null;
});

test("what was left unsaved is brought back beside what someone else has done since, and marked where both did", async () => {
  await act(() => settings.type({ timeout: "2m", description: "mine" }));
  await vi.waitFor(() => expect(settings.kept.isKept()).toBe(true));
  await leave();
  change({ ...file.entry, timeout: "9m", retries: 3 });
  await open();
  await vi.waitFor(() => expect(settings.kept.isLeft).toBe(true));
  expect([settings.isChanged, settings.kept.isKept()]).toEqual([false, false]);
  await act(() => settings.kept.takeUp());
  expect(settings.form!.draft).toMatchObject({ timeout: "2m", retries: "3", description: "mine" });
  await save();
  expect(file.entry["timeout"]).toBe("9m");
  await act(() => settings.decide("timeout", "mine"));
  await save();
  expect(file.entry).toMatchObject({ timeout: "2m", retries: 3, description: "mine" });
  await vi.waitFor(() => expect(sessionStorage.length).toBe(0));
});

test("a text that was left unsaved is brought back as one, and what was forgotten is gone", async () => {
  await act(() => settings.showText());
  await act(() => settings.typeText(settings.text!.text.replace("1m", "2m")));
  await vi.waitFor(() => expect(sessionStorage.length).toBe(1));
  await leave();
  await open();
  await vi.waitFor(() => expect(settings.kept.isLeft).toBe(true));
  await act(() => settings.kept.takeUp());
  expect([settings.text!.text, settings.isContested]).toEqual(["name: job\ncommand: \"true\"\ntimeout: 2m\n", false]);
  await leave();
  await open();
  await vi.waitFor(() => expect(settings.kept.isLeft).toBe(true));
  await act(() => settings.kept.forget());
  expect([settings.isChanged, sessionStorage.length]).toEqual([false, 0]);
});
