import { useEffect, useMemo, useState } from "preact/hooks";
import { draftsOf } from "../drafts";

export interface KeptDraft {
  /** Something was left unsaved earlier, and the reader has not said what is to become of it. */
  readonly isLeft: boolean;
  takeUp(): void;
  forget(): void;
  /** Whether what is unsaved would be there again after a reload. */
  isKept(): boolean;
}

/**
 * Keep what a form has unsaved, null where it has nothing, and have what was left of it; as soon as it `isReady` for
 * `onTake`, which puts that into the form. What the reader never left is put there at once.
 */
export function useDraft<T>(address: string, unsaved: T | null, isReady: boolean, onTake: (draft: T) => unknown): KeptDraft {
  const drafts = useMemo(() => draftsOf<T>(address), [address]);
  /** Undefined: not known yet. */
  const [left, setLeft] = useState<T | null | undefined>(undefined);
  useEffect(() => {
    if (!isReady) return;
    let isHere = true;
    void drafts.get().then(async (found) => {
      if (found?.resumes) await onTake(found.draft);
      if (isHere) setLeft(found && !found.resumes ? found.draft : null);
    });
    return () => {
      isHere = false;
    };
  }, [drafts, isReady]);
  const text = JSON.stringify(unsaved);
  useEffect(() => {
    if (left === null) drafts.set(unsaved);
  }, [drafts, left, text]);
  return {
    isLeft: left !== null && left !== undefined,
    async takeUp() {
      await onTake(left!);
      setLeft(null);
    },
    forget: () => setLeft(null),
    isKept: () => left === null && drafts.isKept(),
  };
}
