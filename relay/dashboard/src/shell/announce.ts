/**
 * What the page tells by itself: a line at its foot for everybody, which screen readers read out.
 *
 * `announce` is for what a reader asked for or may want to know, `alarm` for what went wrong, `complain` for what
 * went wrong with what the reader did, and `whisper` for what everybody sees anyway, so that only screen readers need to
 * be told.
 */
import { signal } from "@preact/signals";
import { ApiError } from "../api/client";

export interface Message {
  readonly id: number;
  readonly text: string;
  readonly kind: "said" | "urgent" | "whispered";
  /** What ends it, beside the reader: see `complain`. */
  readonly about?: "connection" | "place";
}

/** What is shown at the foot of the page, latest last. */
export const messages = signal<readonly Message[]>([]);

/** A message goes by itself after so many milliseconds; an urgent one stays until it is dismissed, or ceases to be true. */
const STAYS = 6_000;
/** More of a kind would cover what they are about. */
const MOST = 3;

let last = 0;

export function announce(text: string): void {
  add(text, "said");
}

export function whisper(text: string): void {
  add(text, "whispered");
}

/** Returns what takes it back, where it may cease to be true. */
export function alarm(text: string): () => void {
  const id = add(text, "urgent");
  return () => dismiss(id);
}

/**
 * Tell what went wrong with what the reader did: of a service that cannot be reached until it can, of anything else until
 * the reader leaves the place. Returns what takes it back, where the same succeeds before that.
 */
export function complain(error: unknown): () => void {
  const id = add(said(error), "urgent", error instanceof ApiError && error.status === 0 ? "connection" : "place");
  return () => dismiss(id);
}

/** Take back what is told of the connection, or of the place that the reader leaves. */
export function settle(about: Message["about"]): void {
  messages.value = messages.peek().filter((message) => message.about !== about);
}

export function dismiss(id: number): void {
  messages.value = messages.peek().filter((message) => message.id !== id);
}

/** What to say of an error that a call threw: of several faults in what was sent, the first. */
export function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const fault = error instanceof ApiError ? error.faults[0] : undefined;
  if (!fault) return error.message;
  const key = fault.pointer?.replace(/^#?\//, "");
  return `${error.message} ${key ? `${key}: ` : ""}${fault.message}`;
}

/** Who tells something does not depend on what else is told: hence no `value`, which an effect would follow. */
function add(text: string, kind: Message["kind"], about?: Message["about"]): number {
  last += 1;
  const id = last;
  const others = messages.peek().filter((message) => message.text !== text);
  const same = others.filter((message) => message.kind === kind);
  const surplus = new Set(same.slice(0, Math.max(0, same.length + 1 - MOST)));
  messages.value = [...others.filter((message) => !surplus.has(message)), { id, text, kind, ...(about ? { about } : {}) }];
  if (kind !== "urgent") setTimeout(() => dismiss(id), STAYS);
  return id;
}
