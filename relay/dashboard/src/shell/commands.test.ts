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

test("a key that is held down does its deed once, and writes nothing where that leads", () => {
  press("r");
  expect(press("r", { repeat: true }).defaultPrevented).toBe(true);
  const field = document.body.appendChild(document.createElement("input"));
  expect(press("r", { repeat: true }, field).defaultPrevented).toBe(true);
  expect(press("x", { repeat: true }, field).defaultPrevented).toBe(false);
  expect(press("r", {}, field).defaultPrevented).toBe(false);
  expect(ran).toEqual(["run"]);
});

test("a key that moves goes on as long as it is held down", () => {
  const leave = offer([{ ...command("next", "j"), repeats: true }]);
  press("j");
  press("j", { repeat: true });
  leave();
  expect(ran).toEqual(["next", "next"]);
});

test("a held key is not the beginning of two keys", () => {
  press("g");
  press("g", { repeat: true });
  press("o");
  expect(ran).toEqual(["overview"]);
});

function control(html: string): Element {
  document.body.innerHTML = html;
  return document.body.firstElementChild!;
}

test.each([
  "<input>", '<input type="search">', '<input type="number">', '<input type="datetime-local">', "<textarea></textarea>",
  "<select></select>", "<div contenteditable></div>",
])("in %s, keys are text", (html) => {
  press("r", {}, control(html));
  expect(ran).toEqual([]);
});

test.each(['<input type="checkbox">', '<input type="checkbox" role="switch">', '<input type="radio">', "<button></button>", '<a href="#x"></a>'])(
  "with the focus on %s keys do what they do elsewhere, but those of its own",
  (html) => {
    const leave = offer([command("open", "Enter"), command("space", " ")]);
    press("r", {}, control(html));
    press("Enter", {}, control(html));
    press(" ", {}, control(html));
    leave();
    expect(ran).toEqual(["run"]);
  },
);

test("a choice that is moved by arrows keeps them", () => {
  const leave = offer([command("earlier", "ArrowLeft")]);
  press("ArrowLeft", {}, control('<input type="radio">'));
  press("ArrowLeft", {}, control('<input type="range">'));
  press("ArrowLeft", {}, control('<input type="checkbox">'));
  leave();
  expect(ran).toEqual(["earlier"]);
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
