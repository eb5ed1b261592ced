/** What the page asks of `/api/v1/runs`. */
import type { FailureReason, Run, SkipReason, Status } from "../events";
import { getJson, query } from "./client";

/** Which runs to list: all that is given must hold. */
export interface RunFilter {
  readonly script?: string;
  readonly status?: Status;
  readonly reason?: FailureReason | SkipReason;
  /** Begun at this time or after it, before that one; as `datetime` texts that name their offset. */
  readonly since?: string;
  readonly until?: string;
  /** Text in a line of the output. */
  readonly q?: string;
}

/** Newest start first. */
export interface RunPage {
  readonly runs: readonly Run[];
  /** What to ask for the following page with, by `before`; null on the last one. */
  readonly next: string | null;
}

export interface Paging {
  /** At most 1000. */
  limit: number;
  before?: string | undefined;
}

export function listRuns(filter: RunFilter, paging: Paging, signal?: AbortSignal): Promise<RunPage> {
  return getJson<RunPage>(`api/v1/runs${query({ ...filter, ...paging })}`, signal);
}

export function getRun(id: string, signal?: AbortSignal): Promise<Run> {
  return getJson<Run>(`api/v1/runs/${encodeURIComponent(id)}`, signal);
}
