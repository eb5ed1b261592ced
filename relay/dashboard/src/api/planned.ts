/** `/api/v1/planned`: the starts that are to come. */
import type { PlannedScript } from "../events";
import { getJson, query } from "./client";

export interface Planned {
  readonly name: string;
  /** Unix ms, the next one first. */
  readonly starts: readonly number[];
  /** The next one is another try of a run that failed. */
  readonly retry: boolean;
  /** There are further ones up to the time asked for. */
  readonly more: boolean;
}

/** Up to `until`, in Unix ms and at most 31 days ahead, at most `limit` starts of each enabled script. */
export async function plannedStarts(
  asked: { script?: string; until: number; limit: number }, signal?: AbortSignal,
): Promise<Planned[]> {
  const until = new Date(asked.until).toISOString();
  const path = `api/v1/planned${query({ ...asked, until })}`;
  const { scripts } = await getJson<{ scripts: PlannedScript[] }>(path, signal);
  return scripts.map(({ starts, ...script }) => ({ ...script, starts: starts.map(Date.parse) }));
}
