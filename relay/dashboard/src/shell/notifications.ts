/** A notification on the desktop when a script fails, where the reader asked for it and is not looking. */
import { onFrame, visible } from "../live/live";
import { isFailure } from "../live/summary";
import { flag } from "../preferences";
import { go } from "../route";
import { translated } from "../text/language";
import { resultOf } from "../text/words";
import { announce } from "./announce";

const words = translated({
  en: { denied: "The browser does not allow notifications for this page." },
  "zh-Hant": { denied: "瀏覽器不允許此頁面發送通知。" },
});

/** What the reader chose; whether the browser allows it is another question. */
export const notifying = flag("notify", false);

export function canNotify(): boolean {
  return "Notification" in globalThis;
}

/** Switch notifications on or off; the browser asks the reader first. */
export async function askToNotify(wanted: boolean): Promise<void> {
  if (wanted && (await Notification.requestPermission()) !== "granted") {
    announce(words().denied);
    wanted = false;
  }
  notifying.value = wanted;
}

export function notifyOfFailures(): void {
  onFrame((frame) => {
    if (frame.type !== "script_status" || !isFailure(frame.data)) return;
    if (!notifying.value || visible.value || !canNotify() || Notification.permission !== "granted") return;
    const { script_name: name, run_id: run, reason, exit_code: exitCode } = frame.data;
    const { text } = resultOf({ status: "failed", reason, exitCode });
    const notification = new Notification(name, { body: text, tag: name });
    notification.onclick = () => {
      window.focus();
      go({ page: "script", name, tab: "output", run });
      notification.close();
    };
  });
}
