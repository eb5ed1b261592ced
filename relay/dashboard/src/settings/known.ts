import { effect } from "@preact/signals";
import { state } from "../live/live";

/** The stream may be a little behind the API, or stand still at the reader's wish; milliseconds. */
const PATIENCE = 2_000;

/** Wait until the page knows a script that the service has just been told of. */
export function untilKnown(name: string): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, PATIENCE);
    const dispose = effect(() => {
      if (state.value.rows?.has(name)) queueMicrotask(finish);
    });
    function finish() {
      clearTimeout(timer);
      dispose();
      resolve();
    }
  });
}
