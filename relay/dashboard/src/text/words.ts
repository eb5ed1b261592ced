/** What is said about scripts and their runs, and with which sign and colour. */
import type { FailureReason, Run, SkipReason, Trigger } from "../events";
import type { Connection } from "../live/socket";
import type { ScriptRow } from "../live/store";
import { isHeldUp } from "../live/summary";
import { moment } from "./format";
import { translated } from "./language";

/** A sign's shape; shape, word and colour each tell it alone. */
export type Sign = "good" | "bad" | "active" | "warning" | "idle" | "off";

export interface Saying {
  sign: Sign;
  text: string;
}

/** What is told of a run that ended, or did not start. */
export interface Outcome {
  readonly status: "completed" | "failed" | "skipped" | "running";
  readonly reason: FailureReason | SkipReason | null;
  readonly exitCode: number | null;
}

const words = translated({
  en: {
    running: "Running",
    runningTimes: (n: number) => `Running ×${n}`,
    stopping: "Stopping",
    idle: "Idle",
    disabled: "Disabled",
    overdue: "Overdue",
    neverRan: "Never ran",
    firstRun: "First run under way",
    waiting: "Waiting",
    completed: "Completed",
    timeout: "Timed out",
    spawn: "Could not start",
    cancelled: "Stopped",
    lost: "Lost track of",
    signal: (n: number) => `Failed, signal ${n}`,
    exit: (n: number | null) => (n === null ? "Failed" : `Failed, exit ${n}`),
    overlap: "Skipped: still running",
    missed: "Missed: service was down",
    queue_full: "Skipped: queue full",
    byHand: "by hand only",
    afterThisRun: "after this run",
    whileRunning: {
      skip: "skipped if still running", queue: "waits for earlier runs", replace: "ends the run under way",
    },
    due: "due",
    schedule: "Schedule",
    manual: "By hand",
    retry: "Retry",
    missedTrigger: "Made up for",
    asOf: (time: string) => `data as of ${time}`,
    because: (reason: string, asOf: string) => `${reason}, ${asOf}`,
    live: "Live",
    polling: "Live, every 5 s",
    paused: "Paused",
    connecting: "Connecting",
    refused: "Not connected",
    offline: "Offline",
    again: (seconds: number) => `Retry in ${seconds} s`,
  },
  "zh-Hant": {
    running: "執行中",
    runningTimes: (n: number) => `執行中 ×${n}`,
    stopping: "正在停止",
    idle: "閒置",
    disabled: "已停用",
    overdue: "逾期",
    neverRan: "從未執行",
    firstRun: "首次執行中",
    waiting: "等待中",
    completed: "成功",
    timeout: "逾時",
    spawn: "無法啟動",
    cancelled: "已停止",
    lost: "失去追蹤",
    signal: (n: number) => `失敗，信號 ${n}`,
    exit: (n: number | null) => (n === null ? "失敗" : `失敗，結束代碼 ${n}`),
    overlap: "略過：仍在執行",
    missed: "錯過：服務未執行",
    queue_full: "略過：佇列已滿",
    byHand: "僅手動",
    afterThisRun: "本次結束後",
    whileRunning: { skip: "屆時若仍在執行則略過", queue: "等候先前的執行結束", replace: "將結束目前的執行" },
    due: "即將開始",
    schedule: "排程",
    manual: "手動",
    retry: "重試",
    missedTrigger: "補跑",
    asOf: (time: string) => `資料時間 ${time}`,
    because: (reason: string, asOf: string) => `${reason}，${asOf}`,
    live: "即時",
    polling: "即時（每 5 秒）",
    paused: "已暫停",
    connecting: "連線中",
    refused: "未連線",
    offline: "離線",
    again: (seconds: number) => `${seconds} 秒後重試`,
  },
});

export function statusOf(row: ScriptRow): Saying {
  if (row.runs.length > 1) return { sign: "active", text: words().runningTimes(row.runs.length) };
  if (row.runs.length) return { sign: "active", text: words().running };
  return row.enabled ? { sign: "idle", text: words().idle } : { sign: "off", text: words().disabled };
}

export function overdueSaying(): Saying {
  return { sign: "warning", text: words().overdue };
}

export function stoppingSaying(): Saying {
  return { sign: "active", text: words().stopping };
}

/** How a script's latest run that ended went. */
export function lastResultOf({ result, runs }: ScriptRow): Saying {
  if (result) return resultOf(result);
  return { sign: "idle", text: runs.length ? words().firstRun : words().neverRan };
}

export function resultOf(result: Outcome): Saying {
  switch (result.status) {
    case "running":
      return { sign: "active", text: words().running };
    case "completed":
      return { sign: "good", text: words().completed };
    case "skipped":
      return { sign: "warning", text: words()[result.reason as SkipReason] };
    case "failed":
      return failure(result);
  }
}

function failure({ reason, exitCode }: Outcome): Saying {
  switch (reason) {
    case "cancelled":
      return { sign: "warning", text: words().cancelled };
    case "timeout":
    case "spawn":
    case "lost":
      return { sign: "bad", text: words()[reason] };
    case "signal":
      return { sign: "bad", text: words().signal((exitCode ?? 128) - 128) };
    default:
      return { sign: "bad", text: words().exit(exitCode) };
  }
}

/** The same of a run's record. */
export function resultOfRun({ status, reason, exit_code: exitCode, started_at }: Run): Saying {
  if (status === "running" && started_at === null) return { sign: "idle", text: words().waiting };
  return resultOf({ status, reason, exitCode });
}

export function triggerName(trigger: Trigger): string {
  return trigger === "missed" ? words().missedTrigger : words()[trigger];
}

/** What stands in the place of a countdown when the planned start has passed or there is none. */
export function withoutCountdown(row: ScriptRow): string {
  if (!row.enabled) return "–";
  if (row.nextStart === null) return row.schedule.kind === "manual" ? words().byHand : "–";
  return isHeldUp(row) ? words().afterThisRun : words().due;
}

/** What becomes of the next start if it comes while the script still runs; null where nothing is to be said of it. */
export function whileRunning({ runs, overlap }: ScriptRow): string | null {
  return runs.length && overlap !== "allow" ? words().whileRunning[overlap] : null;
}

/** The connection in words; `detail` is why it is so, and as of when the data are where they are not the present. */
export function connectionOf(
  connection: Connection,
  { online, paused, heardAt, now }: { online: boolean; paused: boolean; heardAt: number | null; now: number },
): Saying & { detail: string } {
  const detail = heardAt === null ? "" : words().asOf(moment(heardAt, now));
  switch (connection.kind) {
    case "live":
    case "polling":
      return paused
        ? { sign: "idle", text: words().paused, detail }
        : { sign: "good", text: words()[connection.kind], detail };
    case "connecting":
      return { sign: "warning", text: words().connecting, detail };
    case "refused": {
      const { reason } = connection;
      return { sign: "bad", text: words().refused, detail: detail ? words().because(reason, detail) : reason };
    }
    case "waiting": {
      if (!online) return { sign: "bad", text: words().offline, detail };
      const seconds = Math.max(1, Math.ceil((connection.until - now) / 1000));
      return { sign: "warning", text: words().again(seconds), detail };
    }
  }
}
