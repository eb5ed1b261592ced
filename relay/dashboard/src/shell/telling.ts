/** What screen readers are told by themselves: little, and at intervals. */
import { effect, signal } from "@preact/signals";
import { clock } from "../live/clock";
import { isLive, latest, onFrame, online } from "../live/live";
import { isFailure, summarize } from "../live/summary";
import { step } from "../route";
import { translated } from "../text/language";
import { alarm, announce, settle, whisper } from "./announce";

const words = translated({
  en: {
    lost: "The connection to the service is lost. What is shown may be the past.",
    silent: "The service does not answer.",
    offline: "This machine is offline. What is shown may be the past.",
    back: "Connected again.",
    failed: (names: string, failing: number) => `${names} failed. Failing now: ${failing}.`,
    more: (n: number) => ` and ${n} more`,
  },
  "zh-Hant": {
    lost: "與服務的連線已中斷，顯示的可能是過去的資料。",
    silent: "服務沒有回應。",
    offline: "本機已離線，顯示的可能是過去的資料。",
    back: "已重新連線。",
    failed: (names: string, failing: number) => `${names} 失敗。目前失敗：${failing}。`,
    more: (n: number) => ` 及其他 ${n} 個`,
  },
});

/** A connection may be away for so many milliseconds before that is worth an alarm. */
const PATIENCE = 10_000;

/**
 * Tells of a connection that is lost for as long as it is, and of its return, and takes back what went wrong for want of
 * it, or in a place that is left; until the function that is returned is called.
 */
export function tellOfConnection(): () => void {
  const lost = signal(false);
  const ends = [
    effect(() => {
      if (step.value && isLive.value) settle("connection");
    }),
    effect(() => {
      if (step.value) settle("place");
    }),
    effect(() => {
      if (!isLive.value) {
        const timer = setTimeout(() => (lost.value = true), PATIENCE);
        return () => clearTimeout(timer);
      }
      if (lost.peek()) announce(words().back);
      lost.value = false;
      return undefined;
    }),
    effect(() => (lost.value ? alarm(reason(online.value)) : undefined)),
  ];
  return () => ends.forEach((end) => end());
}

function reason(isOnline: boolean): string {
  const t = words();
  if (latest.peek().heardAt === null) return t.silent;
  return isOnline ? t.lost : t.offline;
}

/** Failures within so many milliseconds are told together. */
const TOGETHER = 3_000;
/** Names that are told; of more of them, how many. */
const MOST_NAMES = 3;

export function tellOfScripts(): void {
  const failed = new Set<string>();
  let telling = false;
  onFrame(({ type, data }) => {
    if (type !== "script_status" || !isFailure(data)) return;
    failed.add(data.script_name);
    if (!telling) setTimeout(tell, TOGETHER);
    telling = true;
  });

  function tell(): void {
    const names = [...failed].slice(0, MOST_NAMES).join(", ");
    const more = failed.size > MOST_NAMES ? words().more(failed.size - MOST_NAMES) : "";
    const { failing } = summarize(latest.value.rows ?? new Map(), clock.present());
    failed.clear();
    telling = false;
    whisper(words().failed(names + more, failing));
  }
}
