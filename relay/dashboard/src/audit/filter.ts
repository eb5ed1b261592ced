/** Which entries of the audit trail to list, as part of an address: so a filter can be linked to and outlives a reload. */
import type { AuditFilter } from "../api/audit";
import type { AuditAction } from "../events";
import { instant } from "../runs/filter";

/** By what they are about; a family of one is that action alone. */
export const FAMILIES = {
  sign: ["sign-in", "sign-out"],
  script: [
    "script.run", "script.stop", "script.create", "script.update", "script.rename", "script.delete", "script.enable",
    "script.disable", "script.import", "script.batch",
  ],
  config: ["config.save", "config.reload", "config.change"],
  file: ["file.write", "file.delete", "file.restore", "file.change"],
  logs: ["logs.delete"],
  backup: ["backup.download", "backup.restore"],
} as const satisfies Record<string, readonly AuditAction[]>;
export type Family = keyof typeof FAMILIES;

/** Those of which the service lists all actions at once. */
export const WHOLE: readonly Family[] = ["script", "config", "file", "backup"];

/** What of an address's query makes sense. */
export function auditFilterOf(query: string): AuditFilter {
  const given = new URLSearchParams(query);
  const text = (name: string) => given.get(name)?.trim() || undefined;
  const actions: readonly string[] = [...WHOLE, ...Object.values(FAMILIES).flat()];
  return Object.fromEntries(
    Object.entries({
      actor: text("actor"),
      action: actions.find((each) => each === text("action")),
      target: text("target"),
      since: instant(text("since")),
      until: instant(text("until")),
    }).filter(([, value]) => value !== undefined),
  );
}
