/** Times on the clocks of time zones. A wall time is what a clock there shows: `2027-01-31T03:15`, as a field has it. */

/** The reader's time zone. */
export function readersZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

export function isZone(name: string): boolean {
  try {
    clockOf(name);
    return true;
  } catch {
    return false;
  }
}

/** What a clock in `zone` shows at an instant (Unix ms), with seconds where it has any. */
export function wallTime(instant: number, zone: string): string {
  const wall = new Date(instant + offset(instant, zone)).toISOString();
  return wall.slice(0, wall.slice(17, 19) === "00" ? 16 : 19);
}

/**
 * The instant at which a clock in `zone` shows `wall`, in RFC 3339 with the offset it has then; null where `wall` is
 * no time. A time that comes twice is the first one; one that the clock skips is as long after the change as it seems.
 */
export function instantOf(wall: string, zone: string): string | null {
  const shown = Date.parse(`${wall}Z`);
  if (Number.isNaN(shown)) return null;
  const [earlier, later] = [offset(shown - DAY, zone), offset(shown + DAY, zone)];
  const found = [shown - earlier, shown - later].filter((instant) => instant + offset(instant, zone) === shown);
  const instant = found.length ? Math.min(...found) : shown - earlier;
  const minutes = Math.round(offset(instant, zone) / 60_000);
  const local = new Date(instant + minutes * 60_000).toISOString().slice(0, 19);
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${local}${minutes < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
}

const DAY = 86_400_000;
const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  let clock = clocks.get(zone);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat("en", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
      hour: "numeric", minute: "numeric", second: "numeric",
    });
    clocks.set(zone, clock);
  }
  return clock;
}

/** How far a clock in `zone` is ahead of UTC, in milliseconds. */
function offset(instant: number, zone: string): number {
  const part: Record<string, string> = {};
  for (const { type, value } of clockOf(zone).formatToParts(instant)) part[type] = value;
  const [year, month, day, hour, minute, second] = ["year", "month", "day", "hour", "minute", "second"].map((name) =>
    Number(part[name]),
  ) as [number, number, number, number, number, number];
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
}
