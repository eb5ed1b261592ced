/** Which run of a script is looked at. */
import type { Run } from "../events";

/** Of a script's runs, newest first: one under way first, then the one that ended last; null where it never ran. */
export function latestOf(running: readonly { readonly id: string }[], runs: readonly Run[]): string | null {
  return running.at(-1)?.id ?? runs[0]?.run_id ?? null;
}

/** The runs before and after one, as a reader goes through them. */
export function beside(runs: readonly Run[], id: string): { older: string | null; newer: string | null } {
  const at = runs.findIndex((run) => run.run_id === id);
  if (at < 0) return { older: null, newer: null };
  return { older: runs[at + 1]?.run_id ?? null, newer: runs[at - 1]?.run_id ?? null };
}
