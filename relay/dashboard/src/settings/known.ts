import { effect } from "@preact/signals";
import { latest, reveal } from "../live/live";

/** The stream may be a little behind the API; milliseconds. */
const PATIENCE = 2_000;

/** Wait until the page knows what the service has just been told: that a script is there, or is not any more. */
export function untilShown(name: string, isThere = true): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, PATIENCE);
    const dispose = effect(() => {
      if (latest.value.rows?.has(name) === isThere) queueMicrotask(finish);
    });
    function finish() {
      clearTimeout(timer);
      dispose();
      reveal(name);
      resolve();
    }
  });
}
