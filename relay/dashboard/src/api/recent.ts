/** `/api/v1/recent`: what the snapshot does not tell of every script. */
import type { FailureReason, Instant } from "../events";
import { type Background, RECENT } from "../live/store";
import { getJson } from "./client";

interface Recent {
  name: string;
  last_success_at: Instant | null;
  /** Milliseconds. */
  success_age_limit: number | null;
  runs: {
    run_id: string;
    status: "completed" | "failed";
    reason: FailureReason | null;
    started_at: Instant | null;
    duration: number | null;
  }[];
}

export async function recentRuns(): Promise<Background[]> {
  const { scripts } = await getJson<{ scripts: Recent[] }>(`api/v1/recent?runs=${RECENT}`);
  return scripts.map(({ name, last_success_at, success_age_limit, runs }) => ({
    name,
    lastSuccess: last_success_at === null ? null : Date.parse(last_success_at),
    successAgeLimit: success_age_limit,
    recent: runs.map(({ run_id, status, reason, started_at, duration }) => ({
      id: run_id,
      status,
      reason,
      startedAt: started_at === null ? null : Date.parse(started_at),
      duration: duration ?? 0,
    })),
  }));
}
