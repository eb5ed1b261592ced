/** Finding by a few letters. */

/**
 * Those that have all words of `query` in their text, in any case, best first: where it begins with the query, then
 * where a word of it does, then the others; in each group in the order they were in.
 */
export function found<T>(all: readonly T[], query: string, text: (item: T) => string): T[] {
  const wanted = query.toLowerCase().trim();
  if (!wanted) return [...all];
  const parts = wanted.split(/\s+/);
  const groups: T[][] = [[], [], []];
  for (const item of all) {
    const has = text(item).toLowerCase();
    if (!parts.every((part) => has.includes(part))) continue;
    const at = has.indexOf(wanted);
    const begins = at === 0 ? 0 : at > 0 && !/[\p{L}\p{N}]/u.test(has[at - 1]!) ? 1 : 2;
    groups[begins]!.push(item);
  }
  return groups.flat();
}
