/** What screen readers are told by themselves: little, and at intervals. */
import { effect } from "@preact/signals";
import { clock } from "../live/clock";
import { isLive, latest, onFrame, online } from "../live/live";
import { summarize } from "../live/summary";
import { translated } from "../text/language";
import { alarm, announce, whisper } from "./announce";

const words = translated({
  en: {
    lost: "The connection to the service is lost. What is shown may be the past.",
    offline: "This machine is offline. What is shown may be the past.",
    back: "Connected again.",
    failed: (names: string, failing: number) => `${names} failed. Failing now: ${failing}.`,
    more: (n: number) => ` and ${n} more`,
  },
  "zh-Hant": {
    lost: "與服務的連線已中斷，顯示的可能是過去的資料。",
    offline: "本機已離線，顯示的可能是過去的資料。",
    back: "已重新連線。",
    failed: (names: string, failing: number) => `${names} 失敗。目前失敗：${failing}。`,
    more: (n: number) => ` 及其他 ${n} 個`,
  },
});

/** A connection may be away for so many milliseconds before that is worth an alarm. */
const PATIENCE = 10_000;

export function tellOfConnection(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let told = false;
  effect(() => {
    const live = isLive.value;
    clearTimeout(timer);
    if (live) {
      if (told) announce(words().back);
      told = false;
    } else if (!told) {
      timer = setTimeout(() => {
        told = true;
        alarm(online.peek() ? words().lost : words().offline);
      }, PATIENCE);
    }
  });
}

/** Failures within so many milliseconds are told together. */
const TOGETHER = 3_000;
/** Names that are told; of more of them, how many. */
const MOST_NAMES = 3;

export function tellOfScripts(): void {
  let failed = new Set<string>();
  onFrame(({ type, data }) => {
    if (type !== "script_status" || data.status !== "failed" || data.reason === "cancelled") return;
    failed.add(data.script_name);
    if (failed.size === 1) setTimeout(tell, TOGETHER);
  });

  function tell(): void {
    const names = [...failed].slice(0, MOST_NAMES).join(", ");
    const more = failed.size > MOST_NAMES ? words().more(failed.size - MOST_NAMES) : "";
    const { failing } = summarize(latest.value.rows ?? new Map(), clock.now());
    failed = new Set();
    whisper(words().failed(names + more, failing));
  }
}
