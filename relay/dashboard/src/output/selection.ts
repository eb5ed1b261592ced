/**
 * What is selected of the lines, though only those near the view are drawn.
 *
 * The browser loses an end of its selection with the line in which it is, as soon as that is scrolled out of the view.
 * So it is remembered, as a place in the text, and what is copied goes by that.
 */
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** A place in the text: number of a line, and how many characters of what is to be seen of it are before. */
interface Point {
  readonly line: number;
  readonly at: number;
}

/** From one place to another. */
export interface Selected {
  readonly from: Point;
  readonly to: Point;
}

/** Have `copy` do what the browser cannot: of a selection of which an end is not drawn any more. */
export function useSelection(list: RefObject<HTMLElement | null>, copy: (selected: Selected) => void): void {
  const known = useRef<Ends | null>(null);
  const pressed = useRef(false);
  useEffect(() => {
    function press({ button, shiftKey, target }: PointerEvent) {
      pressed.current = true;
      if (button === 0 && !shiftKey && list.current?.contains(target as Node)) known.current = null; // a new one begins
    }
    const release = () => (pressed.current = false);
    const onChange = () => (known.current = list.current && endsOf(list.current, known.current, pressed.current));

    function onCopy(event: ClipboardEvent) {
      onChange(); // which the browser may still have to tell
      if (!known.current || !list.current) return;
      const { anchor, focus } = known.current;
      if (anchor.line === focus.line && anchor.at === focus.at) return; // the reader has only clicked there
      const now = getSelection()!;
      const whole =
        pointOf(now.anchorNode, now.anchorOffset)?.line === anchor.line &&
        pointOf(now.focusNode, now.focusOffset)?.line === focus.line;
      if (whole || (now.anchorNode && !list.current.contains(now.anchorNode))) return;
      event.preventDefault();
      copy(inOrder(anchor, focus));
    }

    document.addEventListener("pointerdown", press);
    document.addEventListener("pointerup", release);
    document.addEventListener("selectionchange", onChange);
    document.addEventListener("copy", onCopy);
    return () => {
      document.removeEventListener("pointerdown", press);
      document.removeEventListener("pointerup", release);
      document.removeEventListener("selectionchange", onChange);
      document.removeEventListener("copy", onCopy);
    };
  });
}

interface Ends {
  readonly anchor: Point;
  readonly focus: Point;
}

/** Those of the selection as it is now; null where it is not one of lines. `pressed`: the reader drags one of them. */
function endsOf(list: HTMLElement, known: Ends | null, pressed: boolean): Ends | null {
  const now = getSelection();
  if (!now || !list.contains(now.anchorNode)) return null;
  const [anchor, focus] = [pointOf(now.anchorNode, now.anchorOffset), pointOf(now.focusNode, now.focusOffset)];
  if (now.isCollapsed && anchor) return { anchor, focus: anchor }; // another one begins
  // The browser moves an end to where something is drawn.
  const lost = (point: Point | undefined) => point && !list.querySelector(`[data-line="${point.line}"]`);
  const ends = {
    anchor: lost(known?.anchor) ? known!.anchor : anchor,
    focus: lost(known?.focus) && !(pressed && focus) ? known!.focus : focus,
  };
  return ends.anchor && ends.focus ? { anchor: ends.anchor, focus: ends.focus } : known;
}

function pointOf(node: Node | null, offset: number): Point | null {
  const row = (node instanceof Element ? node : node?.parentElement)?.closest<HTMLElement>("[data-line]");
  const text = row?.querySelector(".text");
  if (!node || !row || !text) return null;
  const before = document.createRange();
  before.selectNodeContents(text);
  if (text.contains(node)) before.setEnd(node, offset);
  else before.collapse(true); // in front of the text, in what is not to be selected
  return { line: Number(row.dataset.line), at: before.toString().length };
}

function inOrder(one: Point, other: Point): Selected {
  const forward = one.line < other.line || (one.line === other.line && one.at <= other.at);
  return forward ? { from: one, to: other } : { from: other, to: one };
}
