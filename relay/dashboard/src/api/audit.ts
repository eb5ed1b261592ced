/** What the page asks of `/api/v1/audit`. */
import type { AuditEntry } from "../events";
import { getJson, query } from "./client";

/** Which entries to list: all that is given must hold. */
export interface AuditFilter {
  /** Name of a user or token, or a kind of actor. */
  readonly actor?: string;
  /** An action, or what some begin with up to the dot. */
  readonly action?: string;
  /** Text in what it was done to. */
  readonly target?: string;
  /** At this time or after it, before that one; as `datetime` texts that name their offset. */
  readonly since?: string;
  readonly until?: string;
}

export interface AuditPage {
  /** Newest first. */
  readonly audit: readonly AuditEntry[];
  /** Null where there are no older ones. */
  readonly next: string | null;
}

/** At most 1000 entries. */
export function listAudit(filter: AuditFilter, limit: number): Promise<AuditPage> {
  return getJson<AuditPage>(`api/v1/audit${query({ ...filter, limit })}`);
}

/** Address of all of them as lines of JSON. */
export function auditDownload(filter: AuditFilter): string {
  return `api/v1/audit${query({ ...filter, format: "jsonl" })}`;
}
