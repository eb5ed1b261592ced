/** Unsaved texts, kept by the browser as long as its tab is open: neither a reload nor leaving a place loses them. */
import type { Revision } from "../api/files";

export interface Draft {
  /** What the text grew from. */
  base: Revision;
  text: string;
  /** The script that ran the file when it was typed, where it does not any more. */
  script?: string;
}

export interface Drafts {
  get(): Draft | null;
  set(draft: Draft | null): void;
}

/** What could not be kept over a reload: it is too large, or nothing may be kept here. */
const fleeting = new Map<string, Draft>();

/** The draft of what is at an address. */
export function draftsOf(address: string): Drafts {
  const key = `cronscope.draft.${address}`;
  return {
    get() {
      const here = fleeting.get(key);
      if (here) return here;
      try {
        return JSON.parse(sessionStorage.getItem(key) ?? "null") as Draft | null;
      } catch {
        return null; // nothing may be kept here
      }
    },
    set(draft) {
      fleeting.delete(key);
      try {
        if (draft) sessionStorage.setItem(key, JSON.stringify(draft));
        else sessionStorage.removeItem(key);
      } catch {
        if (draft) fleeting.set(key, draft);
      }
    },
  };
}
