/**
 * Lines that were dropped have numbers, but one row: that of the marker which stands for all of them.
 *
 * Which they are becomes known as the output is looked at.
 */
interface Gap {
  /** Number of the marker. */
  readonly first: number;
  /** Number of the line after the dropped ones. */
  readonly next: number;
}

export class Gaps {
  readonly #gaps: readonly Gap[];

  /** In order, not touching each other. */
  constructor(gaps: readonly Gap[] = []) {
    this.#gaps = gaps;
  }

  /** With one more, or with one that has grown. */
  with(first: number, next: number): Gaps {
    if (next - first < 2) return this; // its marker is all that there was
    const apart = this.#gaps.filter((gap) => gap.next <= first || gap.first >= next);
    const joined = this.#gaps.filter((gap) => !apart.includes(gap));
    if (joined.length === 1 && joined[0]!.first <= first && joined[0]!.next >= next) return this;
    const whole = {
      first: Math.min(first, ...joined.map((gap) => gap.first)),
      next: Math.max(next, ...joined.map((gap) => gap.next)),
    };
    return new Gaps([...apart, whole].sort((one, other) => one.first - other.first));
  }

  /** The line itself, or, of a dropped one, the nearest that was kept, of so many lines. */
  nearest(line: number, total: number): number {
    const gap = this.#gaps.find(({ first, next }) => first <= line && line < next);
    if (!gap) return line;
    const before = gap.first - 1;
    return before >= 0 && (line - before <= gap.next - line || gap.next >= total) ? before : gap.next;
  }

  lineOf(row: number): number {
    let line = row;
    for (const { first, next } of this.#gaps) {
      if (line <= first) break;
      line += next - first - 1;
    }
    return line;
  }

  /** Of a dropped line it is the row of the marker; of how many lines there are, how many rows there are. */
  rowOf(line: number): number {
    let hidden = 0;
    for (const { first, next } of this.#gaps) {
      if (line <= first) break;
      hidden += Math.min(line, next - 1) - first;
    }
    return line - hidden;
  }
}
