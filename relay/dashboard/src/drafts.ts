/**
 * What was typed and is not saved, kept by the browser as long as its tab is open: neither a reload, nor leaving a place,
 * nor the end of a session loses it. It is there for who typed it alone, until they sign out.
 */

interface Left<T> {
  readonly draft: T;
  /** The reader left for no more than to sign in: they go on where they were. */
  readonly resumes: boolean;
}

export interface Drafts<T> {
  /** What was left, as soon as it is known who asks. */
  get(): Promise<Left<T> | null>;
  set(draft: T | null): void;
  /** Whether what was set last outlives the page. */
  isKept(): boolean;
}

/** As the browser has it. */
interface Kept {
  /** Who typed it; null: somebody without credentials. */
  readonly of: string | null;
  readonly draft: unknown;
}

const PREFIX = "cronscope.draft.";
/** Where the reader was when they left to sign in. */
const PLACE = "cronscope.interrupted";

let owner: string | null = null;
let know: () => void;
const known = new Promise<void>((resolve) => (know = resolve));

/** What could not be kept over a reload: it is too large, or nothing may be kept here. */
const fleeting = new Map<string, Kept>();

/** Say who types from now on, and finds what they left; what another user typed is gone. */
export function claimDrafts(name: string | null): void {
  if (name !== null) discard((kept) => kept.of !== name);
  owner = name;
  know();
}

/** The reader signs out: nothing that they typed stays behind. */
export function forgetDrafts(): void {
  discard((kept) => kept.of === owner);
}

/** The reader leaves this place to sign in, and is to find it as it was. */
export function comeBack(): void {
  try {
    sessionStorage.setItem(PLACE, location.hash);
  } catch {
    // Nothing may be kept here: then nothing is found either.
  }
}

/** The drafts of what is at an address. */
export function draftsOf<T>(address: string): Drafts<T> {
  const key = PREFIX + address;
  return {
    async get() {
      await known;
      const resumes = isBack();
      const kept = fleeting.get(key) ?? read(key);
      return kept?.of === owner ? { draft: kept.draft as T, resumes } : null;
    },
    set(draft) {
      fleeting.delete(key);
      const kept: Kept = { of: owner, draft };
      try {
        if (draft !== null) sessionStorage.setItem(key, JSON.stringify(kept));
        else if (read(key)?.of === owner) sessionStorage.removeItem(key);
      } catch {
        if (draft !== null) fleeting.set(key, kept);
      }
    },
    isKept: () => !fleeting.has(key),
  };
}

function discard(isMeant: (kept: Kept) => boolean): void {
  for (const [key, kept] of fleeting) if (isMeant(kept)) fleeting.delete(key);
  try {
    for (const key of Object.keys(sessionStorage).filter((each) => each.startsWith(PREFIX))) {
      const kept = read(key);
      if (!kept || isMeant(kept)) sessionStorage.removeItem(key);
    }
  } catch {
    // Nothing may be kept here, so nothing is.
  }
}

function read(key: string): Kept | null {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "null") as Kept | null;
  } catch {
    return null; // nothing may be kept here
  }
}

/** Whether this is where the reader left to sign in; told once. */
function isBack(): boolean {
  try {
    const is = sessionStorage.getItem(PLACE) === location.hash;
    if (is) sessionStorage.removeItem(PLACE);
    return is;
  } catch {
    return false;
  }
}
