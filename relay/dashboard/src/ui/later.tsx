/** Parts of the page that are loaded when they are first looked at. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { translated } from "../text/language";

const words = translated({
  en: {
    loading: "Loading…",
    failed: "This part of the page could not be loaded: the service cannot be reached, or is a newer one.",
    reload: "Reload the page",
  },
  "zh-Hant": {
    loading: "載入中…",
    failed: "無法載入此部分頁面：無法連線到服務，或服務已更新。",
    reload: "重新載入頁面",
  },
});

export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;

  return function Later(props: P) {
    const [, setDone] = useState(false);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (loaded) return;
      load().then(
        (component) => {
          loaded = component;
          setDone(true);
        },
        () => setFailed(true),
      );
    }, []);
    if (loaded) {
      const Component = loaded;
      return <Component {...props} />;
    }
    if (!failed) return <p class="note loading">{words().loading}</p>;
    return (
      <div class="notice">
        <p class="problem">{words().failed}</p>
        <button type="button" onClick={() => location.reload()}>
          {words().reload}
        </button>
      </div>
    );
  };
}
