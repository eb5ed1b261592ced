import { useState } from "preact/hooks";
import { alarm, said } from "./announce";

export interface Action<A extends unknown[]> {
  busy: boolean;
  /** Whether it succeeded. */
  go(...args: A): Promise<boolean>;
}

/** Something that the reader has done by a call of the API: one at a time, and what went wrong is told. */
export function useAction<A extends unknown[]>(call: (...args: A) => Promise<unknown>): Action<A> {
  const [busy, setBusy] = useState(false);
  return {
    busy,
    async go(...args) {
      setBusy(true);
      try {
        await call(...args);
        return true;
      } catch (error) {
        alarm(said(error));
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
