import { signal } from "@preact/signals";
import { NO_WISH, type Wish } from "./listing";

/** What the reader looks for in the overview; it outlives a look at another place. */
export const wish = signal<Wish>(NO_WISH);
