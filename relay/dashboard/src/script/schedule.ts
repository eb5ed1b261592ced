/** A schedule as a sentence: the service tells it, in English without being asked; a time is told by the reader's clock. */
import { signal } from "@preact/signals";
import { previewSchedule } from "../api/schedule";
import type { Schedule } from "../events";
import { wholeMoment } from "../text/format";
import { language, translated } from "../text/language";

const UNITS: Record<string, string> = { ms: "毫秒", s: "秒", m: "分鐘", h: "小時", d: "天" };

const words = translated({
  en: { once: (when: string) => `Once on ${when}` },
  "zh-Hant": { once: (when: string) => `僅一次：${when}` },
});

/** The sentence, and the language it is in; in another one as soon as the service has answered. */
export function sentence(schedule: Schedule): { text: string; lang: string } {
  const text = language.value === "en" && schedule.kind !== "at" ? null : own(schedule);
  return text === null ? { text: schedule.description, lang: "en" } : { text, lang: language.value };
}

/** The page's own words; null where it takes more than a few, which are asked for. */
function own({ kind, value, timezone }: Schedule): string | null {
  switch (kind) {
    case "every":
      return `每 ${(value ?? "").replace(/([0-9.]+)(ms|[smhd])/g, (_, n, unit) => `${n} ${UNITS[unit]} `).trim()}`;
    case "at":
      return words().once(wholeMoment(Date.parse(value ?? "")));
    case "manual":
      return "僅手動啟動";
    case "cron":
      return told.value.get(`${value} ${timezone}`) ?? ask(value ?? "", timezone);
  }
}

/** Chinese sentences of cron expressions, by these and their time zones: many scripts share one. */
const told = signal<ReadonlyMap<string, string>>(new Map());
const asked = new Set<string>();

function ask(cron: string, timezone: string): null {
  const key = `${cron} ${timezone}`;
  if (!asked.has(key)) {
    asked.add(key);
    previewSchedule({ cron, timezone }).then(
      ({ description }) => (told.value = new Map(told.value).set(key, description)),
      () => asked.delete(key), // English has to do until it is asked for again
    );
  }
  return null;
}
