/** The time for texts that change by themselves: ages, countdowns, durations of what is under way. */
import { useEffect, useRef, useState } from "preact/hooks";

/** By so many milliseconds at least: clocks are adjusted by less all the time. */
const SET = 1_000;

class Clock {
  /** The service's clock less this machine's, in milliseconds. */
  offset = 0;
  /** While nothing is heard of the service, time stands still for what is known of it; on this machine's clock. */
  stoppedAt: number | null = null;
  readonly #listeners = new Set<() => void>();

  /** Now, on the service's clock. */
  now(): number {
    return (this.stoppedAt ?? Date.now()) + this.offset;
  }

  /** Now, on the service's clock, also where what is shown stands still: for what is told beside it. */
  present(): number {
    return Date.now() + this.offset;
  }

  /** Call `listener` once a second, until the function that is returned is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `onSet` is called after this machine's clock was set, or the machine was asleep. */
  start(onSet: () => void): void {
    let ahead = Date.now() - performance.now();
    setInterval(() => {
      const before = ahead;
      ahead = Date.now() - performance.now();
      if (Math.abs(ahead - before) > SET) onSet();
      if (document.visibilityState === "visible") this.#listeners.forEach((listener) => listener());
    }, 1000);
  }
}

export const clock = new Clock();

/** What `compute` makes of the present time; the component is rendered anew only when that changes. */
export function useTick<T>(compute: (now: number) => T): T {
  const [, setTicks] = useState(0);
  const value = compute(clock.now());
  const last = useRef({ compute, value });
  last.current = { compute, value };
  useEffect(
    () =>
      clock.subscribe(() => {
        const { compute, value } = last.current;
        if (compute(clock.now()) !== value) setTicks((ticks) => ticks + 1);
      }),
    [],
  );
  return value;
}
