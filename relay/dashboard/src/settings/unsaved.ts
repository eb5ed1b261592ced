import { useEffect } from "preact/hooks";
import { unsaved } from "../shell/title";

/** The title tells while something is not saved. */
export function useUnsaved(is: boolean): void {
  useEffect(() => {
    unsaved.value = is;
    return () => {
      unsaved.value = false;
    };
  }, [is]);
}
