/** What the reader chose, kept in the browser. */
import { type Signal, signal } from "@preact/signals";

/**
 * A choice that outlives the page: a signal to read and to set.
 *
 * `sound` makes of whatever the browser has kept a value, the initial one where it makes no sense.
 */
export function preference<T extends string | number | boolean | null>(name: string, initial: T, sound: (value: unknown) => T): Signal<T> {
  const key = `cronscope.${name}`;
  const choice = signal<T>(read());
  choice.subscribe((value) => {
    if (value !== read()) write(value);
  });
  addEventListener("storage", (event) => {
    if (event.key === key) choice.value = read(); // another tab's change
  });
  return choice;

  function read(): T {
    try {
      const kept = localStorage.getItem(key);
      return kept === null ? initial : sound(JSON.parse(kept));
    } catch {
      return initial; // nothing may be kept here, or not by us
    }
  }

  function write(value: T): void {
    try {
      localStorage.setItem(key, JSON.stringify(value));
    } catch {
      // The choice holds as long as the page.
    }
  }
}

/** For `preference`: a choice between yes and no. */
export function flag(name: string, initial: boolean): Signal<boolean> {
  return preference(name, initial, (value) => (typeof value === "boolean" ? value : initial));
}
