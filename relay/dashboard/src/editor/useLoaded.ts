import { useEffect, useRef, useState } from "preact/hooks";
import type { Frame } from "../events";
import { connection, onFrame } from "../live/live";
import { said } from "../shell/announce";
import { onReconnection } from "./reconnection";

export interface Loaded<T> {
  /** The latest that came; null before. */
  value: T | null;
  problem: string | null;
  reload(): void;
}

/** News comes in bursts; milliseconds. */
const SETTLES = 100;
/** Where no events come, what they would tell of is looked for after so many milliseconds. */
const LOOK_AGAIN = 15_000;

/**
 * What a component asks the service for; asked for anew where the inputs change, on `reload`, when the reader or the
 * connection comes back, and where a frame `isNews`.
 */
export function useLoaded<T>(
  load: () => Promise<T>,
  inputs: readonly unknown[],
  isNews?: (frame: Frame) => boolean,
): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const asked = useRef(0);
  const askedAt = useRef(0);
  const latest = useRef(load);
  latest.current = load;

  function reload() {
    const mine = (asked.current += 1);
    askedAt.current = Date.now();
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
    let soon = 0;
    const ignoreBack = onReconnection(reload);
    const ignore = onFrame((frame) => {
      const isDue = connection.peek().kind === "polling" && Date.now() - askedAt.current > LOOK_AGAIN;
      if (!isNews?.(frame) && !(isNews && isDue)) return;
      clearTimeout(soon);
      soon = window.setTimeout(reload, SETTLES);
    });
    return () => {
      removeEventListener("focus", reload);
      ignoreBack();
      ignore();
      clearTimeout(soon);
      asked.current += 1;
    };
  }, inputs as unknown[]);
  return { value, problem, reload };
}
