import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { getOutput, MOST_LINES } from "../api/output";
import type { Stream } from "../events";
import { said } from "../shell/announce";
import { useCommands } from "../shell/commands";
import { count } from "../text/format";
import { neighbour, place } from "./find";
import { Scan } from "./scan";
import { useRedraw } from "./useRunOutput";
import { words } from "./words";

/** Milliseconds without typing after which the search begins by itself. */
const PAUSE = 250;

interface Props {
  runId: string;
  /** Lines there are. */
  total: number;
  stream: Stream | undefined;
  /** The first line in view. */
  top(): number;
  /** The search is for this text, and the reader has come to that match. */
  onFind(q: string, line: number | null): void;
}

/** The search through the whole output, wherever of it the reader is. */
export function Search({ runId, total, stream, top, onFind }: Props) {
  const t = words();
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState("");
  const [q, setQ] = useState("");
  const [line, setLine] = useState<number | null>(null);
  const redraw = useRedraw();
  const scan = useMemo(
    () =>
      q
        ? new Scan({
            ask: (from) => getOutput(runId, { from, limit: MOST_LINES }, { stream, q }),
            keeping: false,
            onChange: redraw,
          })
        : null,
    [runId, q, stream],
  );
  useEffect(() => {
    setLine(null);
    onFind(q, null);
    return () => scan?.close();
  }, [scan]);
  useEffect(() => void scan?.go(total), [scan, total]);
  useEffect(() => {
    const timer = setTimeout(() => setQ(typed), PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);

  const found = scan?.numbers ?? [];
  useEffect(() => {
    if (line !== null || !found.length) return;
    // The first match from here on, without being asked for: at once where it is known, else after the whole search.
    const from = top();
    const first = neighbour(found, from - 1, 1)!;
    if (first >= from || scan!.done) come(first);
  });

  function come(to: number) {
    setLine(to);
    onFind(q, to);
  }

  function go(step: 1 | -1) {
    const next = neighbour(found, line ?? top(), step);
    if (typed !== q) setQ(typed);
    else if (next !== null) come(next);
  }

  useCommands(() => [{ title: t.keys.search, keys: "/", run: () => field.current?.select() }], [t]);
  return (
    <div class="output-search bar-of" role="search">
      <input
        ref={field}
        type="search"
        aria-label={t.search}
        aria-describedby="output-found"
        placeholder={t.search}
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.isComposing) go(event.shiftKey ? -1 : 1);
          else if (event.key === "Escape") event.currentTarget.blur();
          else return;
          event.preventDefault();
        }}
      />
      <button type="button" class="icon" aria-label={t.previousMatch} disabled={!found.length} onClick={() => go(-1)}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="m8 4 6 6-1.4 1.4L8 6.8l-4.6 4.6L2 10Z" />
        </svg>
      </button>
      <button type="button" class="icon" aria-label={t.nextMatch} disabled={!found.length} onClick={() => go(1)}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="m8 12 6-6-1.4-1.4L8 9.2 3.4 4.6 2 6Z" />
        </svg>
      </button>
      <span id="output-found" class={scan?.problem ? "note problem" : "note"}>
        {scan && (scan.problem ? said(scan.problem) : sayFound(scan, line))}
      </span>
    </div>
  );
}

function sayFound(scan: Scan, line: number | null): string {
  const t = words();
  if (!scan.numbers.length) return scan.done ? t.noMatch : t.searching;
  const all = count(scan.numbers.length) + (scan.full ? "+" : scan.done ? "" : "…");
  const nth = place(scan.numbers, line);
  return nth === null ? t.matches(all) : t.nth(count(nth), all);
}
