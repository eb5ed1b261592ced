/** When a line was written. */
import { clockTime } from "../text/format";

export type Times = "none" | "offset" | "clock";
export const TIMES: readonly Times[] = ["none", "offset", "clock"];

/** Since the run's start: `0.123`, `12.345`, `1:02.345`, `1:02:03.456`. */
export function offsetText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const parts = [Math.floor(minutes / 60), minutes % 60, seconds % 60];
  const first = parts.findIndex((part) => part > 0);
  const shown = parts.slice(first < 0 ? 2 : first).map((part, index) => (index ? String(part).padStart(2, "0") : part));
  return `${shown.join(":")}.${thousandths(ms)}`;
}

/** On the reader's clock: `14:02:11.123`. */
export function clockText(at: number): string {
  return `${clockTime(at)}.${thousandths(at)}`;
}

function thousandths(ms: number): string {
  return String(ms % 1000).padStart(3, "0");
}
