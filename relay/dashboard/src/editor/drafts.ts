/** Unsaved texts, kept by the browser as long as its tab is open: neither a reload nor leaving a place loses them. */
import type { Revision } from "../api/files";

export interface Draft {
  /** What the text grew from. */
  base: Revision;
  text: string;
}

export interface Drafts {
  get(): Draft | null;
  set(draft: Draft | null): void;
}

/** The draft of what is at an address. */
export function draftsOf(address: string): Drafts {
  const key = `cronscope.draft.${address}`;
  return {
    get() {
      try {
        return JSON.parse(sessionStorage.getItem(key) ?? "null") as Draft | null;
      } catch {
        return null; // nothing may be kept here
      }
    },
    set(draft) {
      try {
        if (draft) sessionStorage.setItem(key, JSON.stringify(draft));
        else sessionStorage.removeItem(key);
      } catch {
        // Too large, or nothing may be kept here: the question before leaving has to do.
      }
    },
  };
}
