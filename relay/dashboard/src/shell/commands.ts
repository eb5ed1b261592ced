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
  /** Left out of the help: one of many of its kind. */
  quiet?: boolean;
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

/** Run the command that the keys pressed so far are for. */
export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (!shortcuts.value || isTyping(event) || document.querySelector("dialog[open]")) return;
  if (event.timeStamp - pressedAt > WITHIN) pressed = [];
  pressed = [...pressed, event.key].slice(-2);
  pressedAt = event.timeStamp;
  const found = [pressed.join(" "), event.key].flatMap(
    (keys) => commands().find((command) => command.keys === keys) ?? [],
  )[0];
  if (!found) return;
  pressed = [];
  event.preventDefault();
  found.run();
}

/** In an editor (which is in a shadow tree) or a field, keys are text; Enter and Space on a button press it. */
function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest("input, textarea, select, [contenteditable]")) return true;
  return (event.key === "Enter" || event.key === " ") && target.closest("button, a, summary, [role=tab]") !== null;
}
