/**
 * What the page tells by itself: a line at its foot for everybody, which screen readers read out.
 *
 * `announce` is for what a reader asked for or may want to know, `alarm` for what went wrong with what the reader did.
 */
import { signal } from "@preact/signals";

export interface Message {
  readonly id: number;
  readonly text: string;
  readonly urgent: boolean;
}

/** What is shown at the foot of the page, latest last. */
export const messages = signal<readonly Message[]>([]);

/** A message goes by itself after so many milliseconds; an urgent one stays until it is dismissed. */
const STAYS = 6_000;
/** More of them would cover what they are about. */
const MOST = 3;

let last = 0;

export function announce(text: string): void {
  const id = add(text, false);
  setTimeout(() => dismiss(id), STAYS);
}

export function alarm(text: string): void {
  add(text, true);
}

export function dismiss(id: number): void {
  messages.value = messages.value.filter((message) => message.id !== id);
}

/** What to say of an error that a call threw. */
export function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function add(text: string, urgent: boolean): number {
  last += 1;
  const others = messages.value.filter((message) => message.text !== text);
  messages.value = [...others, { id: last, text, urgent }].slice(-MOST);
  return last;
}
