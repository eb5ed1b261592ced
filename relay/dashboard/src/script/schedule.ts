/** A schedule as a sentence: the service tells it in English. */
import type { Schedule } from "../events";
import { language } from "../text/language";

const UNITS: Record<string, string> = { ms: "毫秒", s: "秒", m: "分鐘", h: "小時", d: "天" };

/** The sentence, and the language it is in. */
export function sentence(schedule: Schedule): { text: string; lang: string } {
  const text = language.value === "en" ? null : inChinese(schedule);
  return text === null ? { text: schedule.description, lang: "en" } : { text, lang: language.value };
}

/** Null where it takes more than a few words. */
function inChinese({ kind, value }: Schedule): string | null {
  switch (kind) {
    case "every":
      return `每 ${(value ?? "").replace(/([0-9.]+)(ms|[smhd])/g, (_, n, unit) => `${n} ${UNITS[unit]} `).trim()}`;
    case "at":
      return `僅一次：${(value ?? "").replace("T", " ")}`;
    case "manual":
      return "僅手動啟動";
    case "cron":
      return null;
  }
}
