/** Which items of a long list are in view, so that thousands of them cost no more than the few that are looked at. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface Window {
  /** To be put on the element that is as high as all items. */
  ref: RefObject<HTMLDivElement | null>;
  /** The items from `first` on, before `end`, are near the view. */
  first: number;
  end: number;
}

/** Items drawn beyond what is in view, on either side. */
const MARGIN = 8;

/** For `count` items of `height` pixels each, in a list that scrolls with the page. */
export function useWindow(count: number, height: number): Window {
  const ref = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ first: 0, end: Math.min(count, 30) });
  useEffect(() => {
    const look = () => {
      if (!ref.current) return; // taken away by what made the page scroll
      const top = -ref.current.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(top / height) - MARGIN);
      const end = Math.min(count, Math.ceil((top + innerHeight) / height) + MARGIN);
      setRange((before) => (before.first === first && before.end === end ? before : { first, end }));
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [count, height]);
  return { ref, first: Math.min(range.first, count), end: Math.min(range.end, count) };
}
