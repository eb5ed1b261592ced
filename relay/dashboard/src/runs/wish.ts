import { signal } from "@preact/signals";
import type { RunFilter } from "../api/runs";

/** What the reader looks for among the runs of all scripts; it outlives a look at another place. */
export const wish = signal<RunFilter>({});
