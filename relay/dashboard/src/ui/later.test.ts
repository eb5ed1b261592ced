import { signal } from "@preact/signals";
import { h, render } from "preact";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const isLive = signal(true);
vi.mock("../live/live", () => ({ isLive }));
const { later, loadAhead } = await import("./later");

let reachable: boolean;
let asked: number;
let root: HTMLElement;

const load = vi.fn(async () => {
  asked += 1;
  if (!reachable) throw new TypeError("Failed to fetch");
  return () => "the part";
});

beforeEach(() => {
  asked = 0;
  isLive.value = reachable = true;
  vi.stubGlobal("requestIdleCallback", (call: () => void) => call());
  root = document.body.appendChild(document.createElement("div"));
});

afterEach(() => {
  render(null, root);
  root.remove();
  vi.unstubAllGlobals();
});

const show = (Part: ReturnType<typeof later>) => render(h(Part, {}), root);
const shows = (text: string) => vi.waitFor(() => expect(root.textContent).toContain(text));
const button = (text: string) => [...root.querySelectorAll("button")].find((each) => each.textContent === text)!;

test("a part is loaded when it is first looked at, and once", async () => {
  const Part = later(load);
  show(Part);
  await shows("the part");
  render(null, root);
  show(Part);
  expect([root.textContent, asked]).toEqual(["the part", 1]);
});

test("a part that could not be loaded comes when the service is there again", async () => {
  const Part = later(load);
  isLive.value = reachable = false;
  show(Part);
  await shows("could not be loaded");
  isLive.value = reachable = true;
  await shows("the part");
});

test("it can be tried again by hand", async () => {
  reachable = false;
  show(later(load));
  await shows("could not be loaded");
  button("Try again").click();
  await vi.waitFor(() => expect(asked).toBe(2));
  await shows("could not be loaded");
  reachable = true;
  button("Try again").click();
  await shows("the part");
});

test("what was loaded ahead is there though the service is away, with what it is made of", async () => {
  let inner: ReturnType<typeof later> | null = null;
  const outer = later(async () => {
    inner = later(load);
    return () => "the outer part";
  });
  await loadAhead();
  reachable = false;
  show(inner!);
  expect(root.textContent).toBe("the part");
  show(outer);
  expect(root.textContent).toBe("the outer part");
});

test("what could not be loaded ahead is tried anew the next time", async () => {
  const Part = later(load);
  reachable = false;
  await loadAhead();
  reachable = true;
  await loadAhead();
  reachable = false;
  show(Part);
  expect(root.textContent).toBe("the part");
});

test("a part that has been loaded just after it was drawn as missing is shown", async () => {
  let finish!: () => void;
  const Part = later(() => new Promise<() => string>((resolve) => (finish = () => resolve(() => "the part"))));
  const ahead = loadAhead();
  await vi.waitFor(() => expect(finish).toBeDefined());
  show(Part);
  expect(root.textContent).toBe("Loading…");
  finish();
  await ahead;
  await shows("the part");
});
