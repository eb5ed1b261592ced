import { h, render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useControlKeys } from "./controlKeys";

let root: HTMLElement;
const save = vi.fn();

beforeEach(async () => {
  save.mockClear();
  root = document.body.appendChild(document.createElement("div"));
  await act(() => render(h(() => (useControlKeys({ s: save }), null), {}), root));
});

afterEach(() => {
  render(null, root);
  root.remove();
});

/** Whether the page took the key from the browser. */
function press(options: KeyboardEventInit): boolean {
  return !dispatchEvent(new KeyboardEvent("keydown", { key: "s", ctrlKey: true, cancelable: true, ...options }));
}

test("a key that is held acts once, and the browser never", () => {
  expect(press({})).toBe(true);
  expect(press({ repeat: true })).toBe(true);
  expect(save).toHaveBeenCalledOnce();
});

test("a key acts with Ctrl alone, or ⌘", () => {
  expect(press({ ctrlKey: false })).toBe(false);
  expect(press({ shiftKey: true })).toBe(false);
  expect(save).not.toHaveBeenCalled();
  press({ ctrlKey: false, metaKey: true, key: "S" });
  expect(save).toHaveBeenCalledOnce();
});
