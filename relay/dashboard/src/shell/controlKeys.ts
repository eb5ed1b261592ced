import { useEffect, useRef } from "preact/hooks";

/**
 * Keys with Ctrl, on a Mac ⌘, by their lower case names: wherever the focus is, and before the browser or a text takes
 * them; not while a question is asked, and once however long they are held.
 */
export function useControlKeys(acts: Readonly<Record<string, () => void>>): void {
  const latest = useRef(acts);
  latest.current = acts;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
      const act = latest.current[event.key.toLowerCase()];
      if (!act) return;
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat && !document.querySelector("dialog[open]")) act();
    };
    addEventListener("keydown", onKey, true);
    return () => removeEventListener("keydown", onKey, true);
  }, []);
}
