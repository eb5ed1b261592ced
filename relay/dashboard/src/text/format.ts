/** Numbers and times as people read them, in the language of the page. Durations and instants are milliseconds. */
import { language, locale, translated } from "./language";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const words = translated({
  en: {
    milliseconds: (n: string) => `${n} ms`,
    seconds: (n: string) => `${n} s`,
    minutes: (n: string) => `${n} min`,
    hours: (n: string) => `${n} h`,
    days: (n: string) => `${n} d`,
    now: "just now",
    ago: (time: string) => `${time} ago`,
    in: (time: string) => `in ${time}`,
  },
  "zh-Hant": {
    milliseconds: (n: string) => `${n} 毫秒`,
    seconds: (n: string) => `${n} 秒`,
    minutes: (n: string) => `${n} 分`,
    hours: (n: string) => `${n} 小時`,
    days: (n: string) => `${n} 天`,
    now: "剛剛",
    ago: (time: string) => `${time}前`,
    in: (time: string) => `${time}後`,
  },
});

/** Makers of `Intl` formats are slow to make: one of each kind and language is kept. */
function kept<F>(make: (locale: string) => F): () => F {
  const made = new Map<string, F>();
  return () => {
    let format = made.get(locale());
    if (format === undefined) made.set(locale(), (format = make(locale())));
    return format;
  };
}

const COUNT = kept((locale) => new Intl.NumberFormat(locale));
const CLOCK = kept((locale) => new Intl.DateTimeFormat(locale, { timeStyle: "medium", hourCycle: "h23" }));
const MINUTES = kept(
  (locale) => new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
);
const DATE = kept(
  (locale) => new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short" }),
);
const DATE_OF_YEAR = kept(
  (locale) => new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric" }),
);
const WEEKDAY = kept((locale) => new Intl.DateTimeFormat(locale, { weekday: "short" }));

/** `12,345` */
export function count(value: number): string {
  return COUNT().format(value);
}

/** `12.3%` */
export function percent(value: number): string {
  return `${value.toFixed(1)}%`;
}

/** `3.2 GiB` */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  // 1023.95 and more would be rounded to 1024.0
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `3.2 GiB/s` */
export function rate(value: number): string {
  return `${bytes(value)}/s`;
}

/** How long something took: `340 ms`, `3.4 s`, `42 s`, `3 min 4 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(value: number): string {
  if (value < SECOND) return words().milliseconds(String(Math.round(value)));
  if (value < 9.95 * SECOND) return words().seconds((value / SECOND).toFixed(1));
  return wholeSeconds(Math.round(value / SECOND) * SECOND);
}

/** How long something has been going on, for a text that changes once a second: `0 s`, `3 s`, `3 min 4 s`. */
export function elapsed(since: number, now: number): string {
  return wholeSeconds(Math.max(0, now - since));
}

/** `just now`, `12 s ago`, `5 min ago`, `2 h ago`, `3 d ago` */
export function age(then: number, now: number): string {
  const passed = now - then;
  if (passed < SECOND) return words().now;
  return words().ago(wholeUnit(passed));
}

/** The same for what stays too long: `12 s`, `5 min`, `2 h`, `3 d`. */
export function wholeUnit(value: number): string {
  const { seconds, minutes, hours, days } = words();
  if (value < MINUTE) return seconds(String(Math.floor(value / SECOND)));
  if (value < HOUR) return minutes(String(Math.floor(value / MINUTE)));
  if (value < DAY) return hours(String(Math.floor(value / HOUR)));
  return days(count(Math.floor(value / DAY)));
}

/** `in 12 s`, `in 4 min 5 s`, `in 3 h 12 min`; null where `then` has passed. */
export function countdown(then: number, now: number): string | null {
  return then <= now ? null : words().in(wholeSeconds(Math.ceil((then - now) / SECOND) * SECOND));
}

/** Time of day on the reader's clock: `14:02:11` */
export function clockTime(then: number): string {
  return CLOCK().format(then);
}

/** Time of day on the reader's clock, to the minute: `14:02` */
export function clockMinutes(then: number): string {
  return MINUTES().format(then);
}

/** `Mon, 23 Nov` */
export function shortDate(then: number): string {
  return DATE().format(then);
}

/** `Mon`; `day` 0 is Sunday. */
export function weekday(day: number): string {
  return WEEKDAY().format(new Date(2023, 0, 1 + day)); // a Sunday
}

/** When, on the reader's clock, no longer than needed: `14:02:11`, `Mon, 23 Nov, 14:02:11`, `23 Nov 2027, 14:02:11`. */
export function moment(then: number, now: number): string {
  const [day, today] = [new Date(then), new Date(now)];
  if (day.toDateString() === today.toDateString()) return clockTime(then);
  const date = Math.abs(then - now) < 180 * DAY ? DATE() : DATE_OF_YEAR();
  return atDate(date, then);
}

/** The same of what is not told anew as time goes by: `23 Nov 2027, 14:02:11`. */
export function wholeMoment(then: number): string {
  return atDate(DATE_OF_YEAR(), then);
}

function atDate(date: Intl.DateTimeFormat, then: number): string {
  return `${date.format(then)}${language.value === "en" ? ", " : " "}${clockTime(then)}`;
}

function wholeSeconds(value: number): string {
  const { seconds, minutes, hours, days } = words();
  const parts: [number, (n: string) => string][] = [
    [Math.floor(value / DAY), days],
    [Math.floor((value % DAY) / HOUR), hours],
    [Math.floor((value % HOUR) / MINUTE), minutes],
    [Math.floor((value % MINUTE) / SECOND), seconds],
  ];
  const largest = parts.findIndex(([n]) => n > 0);
  const first = largest < 0 ? parts.length - 1 : largest;
  const shown = parts.slice(first, first + 2).filter(([n], index) => index === 0 || n > 0);
  return shown.map(([n, unit]) => unit(count(n))).join(" ");
}
