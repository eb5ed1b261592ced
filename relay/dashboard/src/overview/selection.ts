/** Which scripts are selected: what is seen of them is what is acted on. */

interface Named {
  readonly name: string;
}

export interface Chosen {
  /** Those in view of the filter, in the order in which they are listed. */
  readonly seen: readonly string[];
  /** How many more there are that the filter hides: nothing is done to them. */
  readonly hidden: number;
  /** All that is listed is selected. */
  readonly all: boolean;
}

export function chosen(selected: ReadonlySet<string>, shown: readonly Named[], rows: ReadonlyMap<string, unknown>): Chosen {
  const seen = shown.flatMap(({ name }) => (selected.has(name) ? [name] : []));
  const there = [...selected].filter((name) => rows.has(name)).length;
  return { seen, hidden: there - seen.length, all: seen.length > 0 && seen.length === shown.length };
}

/** With all that is listed, or without any of it. */
export function withAll(selected: ReadonlySet<string>, shown: readonly Named[], on: boolean): Set<string> {
  const next = new Set(selected);
  for (const { name } of shown) {
    if (on) next.add(name);
    else next.delete(name);
  }
  return next;
}
