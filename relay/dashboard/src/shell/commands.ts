/**
 * What can be done here, for the keyboard and the palette: each part of the page tells its own commands.
 */
import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { flag } from "../preferences";

export interface Command {
  /** As the palette and the help list it. */
  title: string;
  /** One key, or several to be pressed one after the other, as `KeyboardEvent.key` names them: `"r"`, `"g o"`, `"?"`. */
  keys?: string;
  /** More words to find it by. */
  also?: string;
  /** Another key for a command that is listed already. */
  quiet?: boolean;
  /** Done again and again while its key is held down: of what only moves. */
  repeats?: boolean;
  run(): void;
}

/** Single keys can be switched off (WCAG 2.1.4). */
export const shortcuts = flag("shortcuts", true);

/** Later ones take precedence. */
const offers = signal<readonly (readonly Command[])[]>([]);

/** Every command, those of the innermost part of the page first. */
export function commands(): Command[] {
  return [...offers.value].reverse().flat();
}

export function offer(some: readonly Command[]): () => void {
  offers.value = [...offers.value, some];
  return () => {
    offers.value = offers.value.filter((each) => each !== some);
  };
}

/** Offer commands as long as the component is there. `make` may use what the component knows now. */
export function useCommands(make: () => readonly Command[], inputs: readonly unknown[]): void {
  const latest = useRef(make);
  latest.current = make;
  useLayoutEffect(() => offer(latest.current()), inputs as unknown[]); // what can be seen can be done
}

/** Keys of a sequence have to follow each other within so many milliseconds. */
const WITHIN = 1_500;

let pressed: string[] = [];
let pressedAt = 0;
/** The key that ran a command and may still be held down: what it does is done, wherever that led. */
let done: string | null = null;

/** Run the command that the keys pressed so far are for. */
export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (!event.repeat) done = null;
  else if (event.key === done) event.preventDefault();
  if (!shortcuts.value || isUsing(event) || document.querySelector("dialog[open]")) return;
  if (event.repeat) {
    const found = commands().find((command) => command.keys === event.key);
    if (found?.repeats) take(event, found);
    return;
  }
  if (event.timeStamp - pressedAt > WITHIN) pressed = [];
  pressed = [...pressed, event.key].slice(-2);
  pressedAt = event.timeStamp;
  const found = [pressed.join(" "), event.key].flatMap(
    (keys) => commands().find((command) => command.keys === keys) ?? [],
  )[0];
  if (!found) return;
  pressed = [];
  take(event, found);
}

function take(event: KeyboardEvent, command: Command): void {
  done = event.key;
  event.preventDefault();
  command.run();
}

/** Inputs that no text is written into. */
const CHOICES = ["checkbox", "radio", "range", "button", "submit", "reset", "image", "color", "file"];
const WRITING = `input:not(${CHOICES.map((type) => `[type=${type}]`)}), textarea, select, [contenteditable]`;
const PRESSED = "button, a, summary, input, [role=tab]";
const MOVED = "input[type=radio], input[type=range]";

/** In an editor (which is in a shadow tree) or a field, keys are text; other controls have a few of their own. */
function isUsing(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest(WRITING)) return true;
  if (event.key === "Enter" || event.key === " ") return target.closest(PRESSED) !== null;
  return /^(Arrow|Page|Home|End)/.test(event.key) && target.closest(MOVED) !== null;
}
