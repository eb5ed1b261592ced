import { useEffect, useRef, useState } from "preact/hooks";
import { said } from "../shell/announce";

export interface Loaded<T> {
  /** The latest that came; null before. */
  value: T | null;
  problem: string | null;
  reload(): void;
}

/**
 * What a component asks the service for; asked for anew where the inputs change, on `reload`, and when the reader comes
 * back to the window.
 */
export function useLoaded<T>(load: () => Promise<T>, inputs: readonly unknown[]): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const asked = useRef(0);
  const latest = useRef(load);
  latest.current = load;

  function reload() {
    const mine = (asked.current += 1);
    latest.current().then(
      (found) => {
        if (mine !== asked.current) return;
        setValue(() => found);
        setProblem(null);
      },
      (error) => mine === asked.current && setProblem(said(error)),
    );
  }

  useEffect(() => {
    reload();
    addEventListener("focus", reload);
    return () => {
      removeEventListener("focus", reload);
      asked.current += 1;
    };
  }, inputs as unknown[]);
  return { value, problem, reload };
}
