/**
 * Parts of the page that are loaded when they are first looked at; or before that, when there is nothing else to do,
 * as they cannot be had while the service is away.
 */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isLive } from "../live/live";
import { translated } from "../text/language";

const words = translated({
  en: {
    loading: "Loading…",
    failed: "This part of the page could not be loaded: the service cannot be reached, or is a newer one.",
    again: "Try again",
    reload: "Reload the page",
  },
  "zh-Hant": {
    loading: "載入中…",
    failed: "無法載入此部分頁面：無法連線到服務，或服務已更新。",
    again: "再試一次",
    reload: "重新載入頁面",
  },
});

/** Loads of every part so far; parts that a part is made of are known once that is loaded. */
const loads: (() => Promise<void>)[] = [];

/** Load whatever was not looked at yet, one part after the other; what cannot be had now is left for the next time. */
export async function loadAhead(): Promise<void> {
  for (const load of loads) {
    await idle();
    await load().catch(() => {});
  }
}

function idle(): Promise<unknown> {
  return new Promise((resolve) => {
    if ("requestIdleCallback" in globalThis) requestIdleCallback(resolve);
    else setTimeout(resolve, 200); // Safari
  });
}

export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  let loading: Promise<void> | null = null;

  function loadOnce(): Promise<void> {
    loading ??= load().then(
      (component) => void (loaded = component),
      (error: unknown) => {
        loading = null;
        throw error;
      },
    );
    return loading;
  }
  loads.push(loadOnce);

  return function Later(props: P) {
    const [state, setState] = useState<"loading" | "failed" | "done">(loaded ? "done" : "loading");
    // Also where it is there by now: it may have come after this was drawn.
    const attempt = () => void loadOnce().then(() => setState("done"), () => setState("failed"));
    useEffect(attempt, [isLive.value]); // what failed for want of a connection does not fail with it
    if (loaded) {
      const Component = loaded;
      return <Component {...props} />;
    }
    if (state === "loading") return <p class="note loading">{words().loading}</p>;
    return (
      <div class="notice">
        <p class="problem">{words().failed}</p>
        <div class="bar-of">
          <button type="button" onClick={attempt}>
            {words().again}
          </button>
          <button type="button" onClick={() => location.reload()}>
            {words().reload}
          </button>
        </div>
      </div>
    );
  };
}
