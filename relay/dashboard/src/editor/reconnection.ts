import { effect, untracked } from "@preact/signals";
import { isLive } from "../live/live";

/** Call `act` whenever the connection is back, until the returned function is called. */
export function onReconnection(act: () => void): () => void {
  let wasLive = isLive.peek();
  return effect(() => {
    const isBack = isLive.value && !wasLive;
    wasLive = isLive.value;
    if (isBack) untracked(act);
  });
}
