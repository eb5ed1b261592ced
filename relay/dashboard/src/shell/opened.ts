/** Which of the windows that can be had anywhere is open: one at a time. */
import { signal } from "@preact/signals";

export const opened = signal<"palette" | "help" | null>(null);

/** Open one in place of the other; but a question that a part of the page asks is to be answered first. */
export function open(which: "palette" | "help"): void {
  if (opened.value !== null || !document.querySelector("dialog[open]")) opened.value = which;
}

export function close(): void {
  opened.value = null;
}
