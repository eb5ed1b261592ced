import { useRef, useState } from "preact/hooks";
import { complain } from "./announce";

export interface Action<A extends unknown[]> {
  busy: boolean;
  /** Whether it succeeded. */
  go(...args: A): Promise<boolean>;
}

/** Something that the reader has done by a call of the API: one at a time, and what went wrong is told. */
export function useAction<A extends unknown[]>(call: (...args: A) => Promise<unknown>): Action<A> {
  const [busy, setBusy] = useState(false);
  const forgive = useRef<() => void>(() => {});
  return {
    busy,
    async go(...args) {
      setBusy(true);
      try {
        await call(...args);
        forgive.current();
        return true;
      } catch (error) {
        forgive.current();
        forgive.current = complain(error);
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
