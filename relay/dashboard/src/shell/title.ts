/** The tab's title and icon carry the worst state there is, for readers who look at another tab. */
import { effect, signal } from "@preact/signals";
import { clock } from "../live/clock";
import { isLive, latest } from "../live/live";
import { summarize } from "../live/summary";
import { route } from "../route";
import { translated } from "../text/language";
import active from "./icons/active.svg";
import bad from "./icons/bad.svg";
import good from "./icons/good.svg";
import offline from "./icons/offline.svg";
import warning from "./icons/warning.svg";

const words = translated({
  en: {
    offline: "Not connected",
    failing: (n: number) => `${n} failing`,
    overdue: (n: number) => `${n} overdue`,
    running: (n: number) => `${n} running`,
  },
  "zh-Hant": {
    offline: "未連線",
    failing: (n: number) => `${n} 個失敗`,
    overdue: (n: number) => `${n} 個逾期`,
    running: (n: number) => `${n} 個執行中`,
  },
});

/** Something that is being edited is not saved. */
export const unsaved = signal(false);

type State = "good" | "bad" | "warning" | "active" | "offline";

/** On a tab there is no theme to follow: these can be told apart on light and dark. */
const ICONS: Record<State, string> = { good, bad, warning, active, offline };

export function tellByTitle(): void {
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]")!;
  effect(() => {
    const [state, text] = worst();
    const place = route.value.page === "script" ? `${route.value.name} · ` : "";
    document.title = `${unsaved.value ? "● " : ""}${text ? `${text} · ` : ""}${place}Cronscope`;
    if (icon.getAttribute("href") !== ICONS[state]) icon.setAttribute("href", ICONS[state]);
  });
}

function worst(): [State, string] {
  const { rows } = latest.value;
  if (!isLive.value) return rows ? ["offline", words().offline] : ["offline", ""];
  const { failing, overdue, running } = summarize(rows ?? new Map(), clock.present());
  if (failing) return ["bad", words().failing(failing)];
  if (overdue) return ["warning", words().overdue(overdue)];
  if (running) return ["active", words().running(running)];
  return ["good", ""];
}
