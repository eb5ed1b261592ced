/** Numbers and times as people read them. Durations and instants are milliseconds. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const COUNT = new Intl.NumberFormat("en");
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DATE = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const DATE_OF_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** `12,345` */
export function count(value: number): string {
  return COUNT.format(value);
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

/** How long something took: `340 ms`, `3.4 s`, `42 s`, `3 min 4 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(value: number): string {
  if (value < SECOND) return `${Math.round(value)} ms`;
  if (value < 9.95 * SECOND) return `${(value / SECOND).toFixed(1)} s`;
  return wholeSeconds(Math.round(value / SECOND) * SECOND);
}

/** How long something has been going on, for a text that changes once a second: `0 s`, `3 s`, `3 min 4 s`. */
export function elapsed(since: number, now: number): string {
  return wholeSeconds(Math.max(0, now - since));
}

/** `just now`, `12 s ago`, `5 min ago`, `2 h ago`, `3 d ago` */
export function age(then: number, now: number): string {
  const passed = now - then;
  if (passed < SECOND) return "just now";
  if (passed < MINUTE) return `${Math.floor(passed / SECOND)} s ago`;
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)} h ago`;
  return `${count(Math.floor(passed / DAY))} d ago`;
}

/** `in 12 s`, `in 4 min 5 s`, `in 3 h 12 min`; null where `then` has passed. */
export function countdown(then: number, now: number): string | null {
  return then <= now ? null : `in ${wholeSeconds(Math.ceil((then - now) / SECOND) * SECOND)}`;
}

/** Time of day on the reader's clock: `14:02:11` */
export function clockTime(then: number): string {
  return CLOCK.format(then);
}

/** When, on the reader's clock, no longer than needed: `14:02:11`, `Mon, 23 Nov, 14:02:11`, `23 Nov 2027, 14:02:11`. */
export function moment(then: number, now: number): string {
  const [day, today] = [new Date(then), new Date(now)];
  if (day.toDateString() === today.toDateString()) return clockTime(then);
  const date = Math.abs(then - now) < 180 * DAY ? DATE : DATE_OF_YEAR;
  return `${date.format(then)}, ${clockTime(then)}`;
}

function wholeSeconds(value: number): string {
  const [days, hours] = [Math.floor(value / DAY), Math.floor((value % DAY) / HOUR)];
  const [minutes, seconds] = [Math.floor((value % HOUR) / MINUTE), Math.floor((value % MINUTE) / SECOND)];
  if (days) return hours ? `${count(days)} d ${hours} h` : `${count(days)} d`;
  if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  if (minutes) return seconds ? `${minutes} min ${seconds} s` : `${minutes} min`;
  return `${seconds} s`;
}
