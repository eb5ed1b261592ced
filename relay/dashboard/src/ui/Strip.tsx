import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  label: string;
  class?: string;
  /** Links, the current one with `aria-current`. */
  children: ComponentChildren;
}

/**
 * Links to places, side by side; where there is no room for all of them they scroll, fade out on the side where there
 * are more, and the current one is in view.
 */
export function Strip({ label, children, ...props }: Props) {
  const ref = useRef<HTMLElement>(null);
  const shown = useRef<Element | null>(null);

  const look = ({ scrollLeft, scrollWidth, clientWidth, dataset }: HTMLElement) => {
    const before = scrollLeft > 1 ? "before" : "";
    const after = scrollLeft + clientWidth < scrollWidth - 1 ? "after" : "";
    dataset["more"] = `${before} ${after}`;
  };

  const show = () => {
    const strip = ref.current!;
    const current = strip.querySelector<HTMLElement>("[aria-current]");
    if (current && current !== shown.current) {
      strip.scrollLeft = current.offsetLeft - (strip.clientWidth - current.offsetWidth) / 2;
    }
    shown.current = current;
    look(strip);
  };

  useLayoutEffect(show); // every time: the language may be another one, or there is a link more

  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => {
      shown.current = null; // it was in view in the room there was
      show();
    });
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, []);

  return (
    <nav ref={ref} class={`strip ${props.class ?? ""}`} aria-label={label} onScroll={(event) => look(event.currentTarget)}>
      {children}
    </nav>
  );
}
