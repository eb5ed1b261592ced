/** Times below a chart, in as few words as tell them apart. */
import { clockMinutes, clockTime, shortDate } from "../text/format";

/** Of times in their order, Unix ms: the day where it changes, or where there is one of each; else the time of day. */
export function labels(times: readonly number[]): string[] {
  const days = times.map((time) => shortDate(time));
  if (days.length > 1 && new Set(days).size === days.length) return days;
  const minutes = times.map((time) => clockMinutes(time));
  const distinct = new Set(days.map((day, index) => `${day} ${minutes[index]}`)).size === times.length;
  return times.map((time, index) => {
    if (index > 0 && days[index] !== days[index - 1]) return days[index]!;
    return distinct ? minutes[index]! : clockTime(time);
  });
}
