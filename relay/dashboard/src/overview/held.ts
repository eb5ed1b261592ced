import { useRef } from "preact/hooks";
import type { ScriptRow } from "../live/store";
import { useInside } from "../ui/inside";
import { held } from "./listing";

/** Rows do not move while the pointer or the focus is among them, unless the reader wishes for other ones. */
export function useHeld(wanted: readonly ScriptRow[], rows: ReadonlyMap<string, ScriptRow>, wish: unknown) {
  const { inside, hold } = useInside();
  const last = useRef<{ wish: unknown; names: readonly string[] }>({ wish, names: [] });
  const shown = inside && last.current.wish === wish ? held(wanted, last.current.names, rows) : wanted;
  last.current = { wish, names: shown.map(({ name }) => name) };
  return { shown, hold };
}
