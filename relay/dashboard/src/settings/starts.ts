/** The planned starts of a schedule as they are told. */

export interface Start {
  /** Unix ms */
  readonly at: number;
  /** What the script's clock shows, as an instant of which UTC shows the same. */
  readonly wall: number;
  /** Such as `+02:00`. */
  readonly offset: string;
  /** The script's clock was changed since the start before. */
  readonly changed: boolean;
}

/** Of instants in RFC 3339 with the offset of the script's time zone. */
export function starts(next: readonly string[]): Start[] {
  const offsets = next.map((text) => /(Z|[+-]\d\d:\d\d)$/.exec(text)?.[1]?.replace("Z", "+00:00") ?? "");
  return next.map((text, index) => ({
    at: Date.parse(text),
    wall: Date.parse(text.replace(/(Z|[+-]\d\d:\d\d)$/, "Z")),
    offset: offsets[index]!,
    changed: index > 0 && offsets[index] !== offsets[index - 1],
  }));
}

/** Whether the reader's clock shows another time than the script's at any of them. */
export function clocksDiffer(all: readonly Start[]): boolean {
  return all.some(({ at, wall }) => wall - at !== -new Date(at).getTimezoneOffset() * 60_000);
}
