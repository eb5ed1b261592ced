/** The runs that were told to stop by this page: a script may take its time to end, or ignore the signal until it is killed. */
import { signal } from "@preact/signals";
import { stopRun } from "../api/output";
import { stopScript } from "../api/scripts";

/** Ids, which are never used again. */
const told = signal<ReadonlySet<string>>(new Set());

/** Stop a script's runs, those too that still wait for their start. */
export async function stop(name: string): Promise<void> {
  remember(await stopScript(name));
}

export async function stopOne(runId: string): Promise<void> {
  await stopRun(runId);
  remember([runId]);
}

/** Whether these are runs under way that were all told to stop. */
export function isStopping(runs: readonly { readonly id: string }[]): boolean {
  return runs.length > 0 && runs.every(({ id }) => told.value.has(id));
}

function remember(runIds: readonly string[]): void {
  told.value = new Set([...told.value, ...runIds]);
}
