/** What is said about scripts and their runs, and with which sign and colour. */
import { clockTime } from "./format";
import type { Connection } from "./socket";
import type { Result, ScriptRow } from "./store";

/** A sign's shape; shape, word and colour each tell it alone. */
export type Sign = "good" | "bad" | "active" | "warning" | "idle" | "off";

export interface Saying {
  sign: Sign;
  text: string;
}

export function statusOf(row: ScriptRow): Saying {
  if (row.runs.length > 1) return { sign: "active", text: `Running ×${row.runs.length}` };
  if (row.runs.length) return { sign: "active", text: "Running" };
  return row.enabled ? { sign: "idle", text: "Idle" } : { sign: "off", text: "Disabled" };
}

export function resultOf(result: Result | null): Saying {
  if (!result) return { sign: "idle", text: "Never ran" };
  if (result.status === "completed") return { sign: "good", text: "Completed" };
  switch (result.reason) {
    case "timeout":
      return { sign: "bad", text: "Timed out" };
    case "spawn":
      return { sign: "bad", text: "Could not start" };
    case "cancelled":
      return { sign: "warning", text: "Stopped" };
    case "lost":
      return { sign: "bad", text: "Lost track of" };
    case "signal":
      return { sign: "bad", text: `Failed, signal ${(result.exitCode ?? 128) - 128}` };
    default:
      return { sign: "bad", text: `Failed, exit ${result.exitCode}` };
  }
}

/** What stands in the place of a countdown when the planned start has passed or there is none. */
export function withoutCountdown(row: ScriptRow): string {
  if (!row.enabled) return "–";
  if (row.nextStart === null) return row.schedule.kind === "manual" ? "by hand only" : "–";
  return row.runs.length ? "after this run" : "due";
}

/** The connection in words; `quiet` does not change while nothing happens, for screen readers. */
export function connectionOf(
  connection: Connection,
  online: boolean,
  heardAt: number | null,
  now: number,
): Saying & { quiet: string } {
  const asOf = heardAt === null ? "" : `, data as of ${clockTime(heardAt)}`;
  const lost = "Connection lost, reconnecting";
  switch (connection.kind) {
    case "live":
      return { sign: "good", text: "Live", quiet: "Live" };
    case "connecting":
      return { sign: "warning", text: `Connecting${asOf}`, quiet: heardAt === null ? "Connecting" : lost };
    case "refused": {
      const quiet = `Not connected: ${connection.reason}`;
      return { sign: "bad", text: quiet + asOf, quiet };
    }
    case "waiting": {
      if (!online) return { sign: "bad", text: `Offline${asOf}`, quiet: "Offline" };
      const seconds = Math.max(1, Math.ceil((connection.until - now) / 1000));
      return { sign: "warning", text: `Reconnecting in ${seconds} s${asOf}`, quiet: lost };
    }
  }
}
