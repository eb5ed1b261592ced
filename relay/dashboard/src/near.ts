/** Which elements are near the view, so that thousands of rows cost no more than the few that are looked at. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

type Listener = (entry: IntersectionObserverEntry) => void;

const listeners = new WeakMap<Element, Listener>();
const observer = new IntersectionObserver(
  (entries) => entries.forEach((entry) => listeners.get(entry.target)?.(entry)),
  { rootMargin: "100% 0px" }, // a screen more on either side
);

export interface Nearness<T> {
  ref: RefObject<T | null>;
  near: boolean;
  /** The element's height when it was last near, in pixels: keep it, or what is in view jumps. */
  height: number | null;
}

export function useNear<T extends Element>(atFirst: boolean): Nearness<T> {
  const ref = useRef<T | null>(null);
  const [state, setState] = useState<{ near: boolean; height: number | null }>({ near: atFirst, height: null });
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    listeners.set(element, ({ isIntersecting, boundingClientRect }) => {
      const near = isIntersecting || element.contains(document.activeElement); // a focused button stays
      setState((before) =>
        before.near === near ? before : { near, height: near ? null : boundingClientRect.height },
      );
    });
    observer.observe(element);
    return () => observer.unobserve(element);
  }, []);
  return { ref, ...state };
}
