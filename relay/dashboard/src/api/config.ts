/** What the page asks of the configuration as a whole, and of backups. */
import { request } from "./client";
import type { Finding } from "./files";

export const CONFIG = "api/v1/config";
export const BACKUP = "api/v1/backup";

export async function checkConfig(text: string): Promise<Finding[]> {
  const response = await request(`${CONFIG}/check`, { method: "POST", text });
  const { faults, warnings } = (await response.json()) as Record<"faults" | "warnings", Omit<Finding, "severity">[]>;
  const findings = (told: typeof faults, severity: Finding["severity"]): Finding[] =>
    told.map(({ line, column, message, language }) => ({ line, column, message, ...(language ? { language } : {}), severity }));
  return [...findings(faults, "error"), ...findings(warnings, "warning")];
}

export interface Restored {
  scripts: number;
  /** Put into `scripts_dir`. */
  files: number;
  /** In the history. */
  runs: number;
  /** Those that the archive does not have, and that were left alone. */
  kept_files: string[];
  /** Keys of the configuration that are in force from the next start of the service on. */
  changed_at_next_start: string[];
}

export async function restoreBackup(archive: Blob): Promise<Restored> {
  const response = await request("api/v1/restore", { method: "POST", file: archive });
  return (await response.json()) as Restored;
}
