/** Where a text is: in a line, and among the lines that have it. */

/** Index of the first of `sorted` that is greater than `value`; its length where none is. */
export function after(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The next of the lines `found` from `from` on, by `step` 1 or -1, around the ends; null where there is none. */
export function neighbour(found: readonly number[], from: number, step: 1 | -1): number | null {
  const index = step === 1 ? after(found, from) : after(found, from - 1) - 1;
  return found.at(index % found.length) ?? null;
}

/** Which of them a line is, from 1; null where it is none. */
export function place(found: readonly number[], line: number | null): number | null {
  if (line === null) return null;
  const index = after(found, line);
  return found[index - 1] === line ? index : null;
}

export interface Piece<T> {
  readonly text: string;
  readonly of: T;
  readonly marked: boolean;
}

/** Cut `parts` of a text so that each occurrence of `q`, in any case, is pieces of its own. */
export function marked<T extends { readonly text: string }>(parts: readonly T[], q: string): Piece<T>[] {
  const edges = occurrences(parts.map(({ text }) => text).join(""), q);
  const pieces: Piece<T>[] = [];
  let [at, edge] = [0, 0];
  for (const part of parts) {
    const end = at + part.text.length;
    while (at < end) {
      while (edge < edges.length && edges[edge]! <= at) edge += 1;
      const next = Math.min(end, edges[edge] ?? end);
      const start = end - part.text.length;
      pieces.push({ text: part.text.slice(at - start, next - start), of: part, marked: edge % 2 === 1 });
      at = next;
    }
  }
  return pieces;
}

/** Where the occurrences begin and end, in turn. */
function occurrences(text: string, q: string): number[] {
  const edges: number[] = [];
  if (!q) return edges;
  const pattern = new RegExp(q.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"), "giu");
  for (const { index, 0: { length } } of text.matchAll(pattern)) edges.push(index, index + length);
  return edges;
}
