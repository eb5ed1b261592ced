/** Which runs to list, as part of an address: so a filter can be linked to and outlives a reload. */
import { query } from "../api/client";
import type { RunFilter } from "../api/runs";
import type { FailureReason, SkipReason, Status } from "../events";

export const STATUSES: readonly Status[] = ["running", "completed", "failed", "skipped"];

/** By status; those that are left out have none. */
const REASONS: Partial<Record<Status, readonly (FailureReason | SkipReason)[]>> = {
  failed: ["exit_code", "signal", "timeout", "spawn", "cancelled", "lost"],
  skipped: ["overlap", "missed", "queue_full"],
};

/** The reasons that a run of this status, or of any, may have. */
export function reasonsOf(status: Status | undefined): readonly (FailureReason | SkipReason)[] {
  return status === undefined ? Object.values(REASONS).flat() : (REASONS[status] ?? []);
}

/** What of an address's query makes sense. */
export function filterOf(query: string): RunFilter {
  const given = new URLSearchParams(query);
  const text = (name: string) => given.get(name)?.trim() || undefined;
  const status = STATUSES.find((each) => each === text("status"));
  return Object.fromEntries(
    Object.entries({
      script: text("script"),
      status,
      reason: reasonsOf(status).find((each) => each === text("reason")),
      since: instant(text("since")),
      until: instant(text("until")),
      q: text("q"),
    }).filter(([, value]) => value !== undefined),
  );
}

/** The query of an address, with its `?` where there is anything to say. */
export function filterQuery(filter: RunFilter): string {
  return query({ ...filter });
}

/** A time that names its offset, in UTC. */
export function instant(text: string | undefined): string | undefined {
  if (text === undefined || !/T.*(Z|[+-]\d\d:?\d\d)$/i.test(text)) return undefined;
  const time = new Date(text);
  return isNaN(time.getTime()) ? undefined : time.toISOString();
}
