/** Unsaved settings of a script that is gone: the page for new scripts takes them up, so that nothing typed is lost. */
import type { Entry } from "./entry";

export interface Rescued {
  /** The script's name when it was there. */
  readonly name: string;
  readonly entry: Entry;
}

let kept: Rescued | null = null;

export function rescue(settings: Rescued): void {
  kept = settings;
}

/** What was rescued, once. */
export function takeRescued(): Rescued | null {
  const taken = kept;
  kept = null;
  return taken;
}
