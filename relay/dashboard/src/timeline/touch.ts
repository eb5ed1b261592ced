/** Pointers and the wheel, as zooming, panning and pressing. Pixels from the left of the element. */

export interface Gestures {
  /** Show `factor` times as much, `x` staying where it is. */
  onZoom(factor: number, x: number): void;
  /** Show what is later by so many pixels. */
  onPan(by: number): void;
  onPoint(event: PointerEvent): void;
  /** A press that was no drag. */
  onPress(event: PointerEvent): void;
}

/** A press may move so many pixels before it is a drag. */
const STILL = 5;

/** Listen until the function that is returned is called; `surface` is what is dragged, the wheel works on all of it. */
export function listen(element: HTMLElement, surface: (target: EventTarget | null) => boolean, to: Gestures): () => void {
  const down = new Map<number, number>();
  let travelled = 0;
  const x = (event: MouseEvent) => event.clientX - element.getBoundingClientRect().left;

  const handlers = {
    pointerdown(event: PointerEvent) {
      if (!surface(event.target) || event.button !== 0) return;
      if (!down.size) travelled = 0;
      down.set(event.pointerId, x(event));
      if (down.size > 1) travelled = Infinity;
    },
    pointermove(event: PointerEvent) {
      const before = down.get(event.pointerId);
      if (before === undefined) {
        if (surface(event.target)) to.onPoint(event);
        return;
      }
      const now = x(event);
      travelled += Math.abs(now - before);
      if (travelled < STILL) return;
      element.setPointerCapture(event.pointerId);
      const [other] = [...down].flatMap(([id, at]) => (id === event.pointerId ? [] : [at]));
      down.set(event.pointerId, now);
      if (other === undefined) to.onPan(before - now);
      else to.onZoom(Math.max(8, Math.abs(before - other)) / Math.max(8, Math.abs(now - other)), other);
    },
    pointerup(event: PointerEvent) {
      if (down.delete(event.pointerId) && travelled < STILL) to.onPress(event);
    },
    pointercancel(event: PointerEvent) {
      down.delete(event.pointerId);
    },
    wheel(event: WheelEvent) {
      const scale = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const [sideways, down] = [event.deltaX * scale, event.deltaY * scale];
      if (event.ctrlKey || event.metaKey || (!event.shiftKey && !sideways && isFree(event.target))) {
        to.onZoom(Math.exp(0.003 * Math.max(-120, Math.min(120, down))), x(event));
      } else if (event.shiftKey || Math.abs(sideways) > Math.abs(down)) to.onPan(sideways || down);
      else return; // it is for the page
      event.preventDefault();
    },
  };
  const entries = Object.entries(handlers) as [string, EventListener][];
  entries.forEach(([type, handler]) => element.addEventListener(type, handler, { passive: false }));
  return () => entries.forEach(([type, handler]) => element.removeEventListener(type, handler));

  /** The wheel has nothing to scroll here. */
  function isFree(target: EventTarget | null): boolean {
    const { scrollHeight, clientHeight } = document.documentElement;
    return scrollHeight <= clientHeight || (target instanceof Element && target.classList.contains("axis"));
  }
}
