/** When the reader was last here: what happened since is what there is to be told. */
import { signal } from "@preact/signals";

/** Less than that is no absence, in milliseconds. */
const AWAY = 60_000;
const KEY = "cronscope.seen";

/** When the reader last left, in Unix ms of this machine's clock; null where that was not for long, or never. */
export const leftAt = signal<number | null>(null);

/** Notice when the reader leaves and comes back, in this tab or by opening the page anew. */
export function noticeAbsence(): void {
  let seen = kept();
  const arrive = () => {
    if (seen !== null && Date.now() - seen > AWAY) leftAt.value = seen;
  };
  const leave = () => {
    seen = Date.now();
    keep(seen);
  };
  arrive();
  document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? arrive() : leave()));
  addEventListener("pagehide", leave);
}

function kept(): number | null {
  try {
    return Number(localStorage.getItem(KEY)) || null;
  } catch {
    return null;
  }
}

function keep(seen: number): void {
  try {
    localStorage.setItem(KEY, String(seen));
  } catch {
    // The next page does not know.
  }
}
