/** Where in the list the reader is, and the keys that lead on from there. It outlives a look at another place. */
import { signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { runScript } from "../api/scripts";
import { stop } from "../live/stopping";
import type { ScriptRow } from "../live/store";
import { go } from "../route";
import { complain } from "../shell/announce";
import { useCommands } from "../shell/commands";
import { words } from "./words";

/** Name of the script that keys are for. */
export const current = signal<string | null>(null);

/** Rows may stand so many pixels from the upper and the lower end of the window, where bars lie above them. */
const ABOVE = 120;
const BELOW = 40;

/** j and k walk through the list, others are for the script they are at; who comes back goes on from there. */
export function useWalk(shown: readonly ScriptRow[], list: RefObject<HTMLElement | null>, height: number): void {
  const t = words();
  const name = current.value;

  useLayoutEffect(() => {
    // One who came by a link in the head still has the focus there, and is told of the page as ever.
    if (current.peek() !== null && !document.activeElement?.closest("header")) focus(list, current.peek()!);
  }, []);

  function walk(step: number) {
    if (!shown.length) return;
    const at = shown.findIndex((row) => row.name === name);
    const index = at < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, at + step));
    const y = list.current!.getBoundingClientRect().top + index * height;
    if (y < ABOVE) scrollBy(0, y - ABOVE);
    else if (y + height > innerHeight - BELOW) scrollBy(0, y + height - innerHeight + BELOW);
    current.value = shown[index]!.name;
    focus(list, current.value);
  }

  function withCurrent(act: (row: ScriptRow) => unknown) {
    return () => {
      const row = shown.find((each) => each.name === name);
      if (row) act(row);
    };
  }

  const call = (ask: (name: string) => Promise<unknown>) =>
    withCurrent((row) => ask(row.name).catch(complain));
  const look = (tab: "runs" | "output" | "code") => withCurrent((row) => go({ page: "script", name: row.name, tab }));

  useCommands(
    () => [
      { title: t.keys.next, keys: "j", repeats: true, run: () => walk(1) },
      { title: t.keys.previous, keys: "k", repeats: true, run: () => walk(-1) },
      { title: t.keys.open, keys: "Enter", run: look("runs") },
      { title: t.keys.run, keys: "r", run: call(runScript) },
      { title: t.keys.stop, keys: "s", run: call(stop) },
      { title: t.keys.edit, keys: "e", run: look("code") },
      { title: t.keys.output, keys: "l", run: look("output") },
    ],
    [t, shown, name],
  );
}

/** Put the focus on a script, once its row is drawn: scrolling comes first. */
function focus(list: RefObject<HTMLElement | null>, name: string): void {
  requestAnimationFrame(() =>
    requestAnimationFrame(() =>
      list.current?.querySelector<HTMLElement>(`[data-script="${CSS.escape(name)}"] .name a`)?.focus({ preventScroll: true }),
    ),
  );
}
