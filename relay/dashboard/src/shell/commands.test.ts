import { afterEach, beforeEach, expect, test } from "vitest";
import { type Command, offer, onKey, shortcuts } from "./commands";

let ran: string[];
let withdraw: () => void;

const command = (title: string, keys: string): Command => ({ title, keys, run: () => ran.push(title) });

function press(key: string, changes: KeyboardEventInit = {}, target: Element = document.body): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...changes });
  target.addEventListener("keydown", (event) => onKey(event as KeyboardEvent), { once: true });
  target.dispatchEvent(event);
  return event;
}

beforeEach(() => {
  ran = [];
  withdraw = offer([command("run", "r"), command("overview", "g o"), command("only o", "o")]);
});

afterEach(() => {
  withdraw();
  shortcuts.value = true;
  document.body.replaceChildren();
});

test("a key runs its command, and nothing else", () => {
  expect(press("r").defaultPrevented).toBe(true);
  expect(press("x").defaultPrevented).toBe(false);
  expect(ran).toEqual(["run"]);
});

test("keys pressed one after the other are one command", () => {
  press("g");
  press("o");
  press("o");
  expect(ran).toEqual(["overview", "only o"]);
});

test("with Ctrl and the like, keys are the browser's", () => {
  press("r", { ctrlKey: true });
  press("r", { metaKey: true });
  expect(ran).toEqual([]);
});

test.each(["input", "textarea", "select"])("in a %s, keys are text", (tag) => {
  press("r", {}, document.body.appendChild(document.createElement(tag)));
  expect(ran).toEqual([]);
});

test("while a dialog is open, keys are its own", () => {
  document.body.appendChild(document.createElement("dialog")).setAttribute("open", "");
  press("r");
  expect(ran).toEqual([]);
});

test("they can be switched off", () => {
  shortcuts.value = false;
  press("r");
  expect(ran).toEqual([]);
});

test("the innermost part of the page comes first, as long as it is there", () => {
  const leave = offer([command("reload", "r")]);
  press("r");
  leave();
  press("r");
  expect(ran).toEqual(["reload", "run"]);
});
