/** Intervals as a number and a unit, where they can be told like this. */
export const UNITS = ["s", "m", "h", "d"] as const;
export type Unit = (typeof UNITS)[number];

export interface Interval {
  /** As it is written. */
  readonly count: string;
  readonly unit: Unit;
}

/** Null for `1h30m`, `500ms` and whatever else is no single number of a unit; bare numbers are seconds. */
export function intervalOf(text: string): Interval | null {
  const found = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text.trim());
  return found && { count: found[1]!, unit: (found[2] || "s") as Unit };
}

/** Milliseconds of any duration as the configuration has it; null where it is none. */
export function milliseconds(text: string): number | null {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(trimmed)) return null;
  const sizes: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  return [...trimmed.matchAll(/([\d.]+)(ms|[smhd])/g)].reduce((sum, [, n, unit]) => sum + Number(n) * sizes[unit!]!, 0);
}
