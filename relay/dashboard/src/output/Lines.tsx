import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Route } from "../route";
import { count } from "../text/format";
import type { Span } from "./copying";
import { LineRow } from "./LineRow";
import type { Rows } from "./runOutput";
import { type Selected, useSelection } from "./selection";
import { ROW, type Scrolling } from "./scrolling";
import type { Times } from "./times";
import { words } from "./words";

interface Props {
  rows: Rows;
  scrolling: Scrolling;
  label: string;
  wrap: boolean;
  times: Times;
  startedAt: number;
  /** The text that is searched for, and the match that the reader has come to. */
  finding: { q: string; line: number | null };
  span: Span | null;
  place: Extract<Route, { page: "script" }>;
  styleBefore(number: number): string;
  /** The lines of these numbers are near the view. */
  onLook(first: number, end: number): void;
  onChoose(number: number, extend: boolean): void;
  onChooseAll(): void;
  onCopy(selected: Selected): void;
}

/** The lines that are in view, of as many as there are. */
export function Lines(props: Props) {
  const { rows, scrolling, label, wrap, finding, span } = props;
  const t = words();
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const { first, end } = scrolling.range(rows.count);
  useSelection(list, props.onCopy);
  useLayoutEffect(() => scrolling.attach(scroller.current!, list.current!), [scrolling]);
  useLayoutEffect(() => scrolling.forget(), [scrolling, wrap]);
  useLayoutEffect(() => scrolling.layout());
  useMatchInView(scroller, finding);
  useEffect(() => {
    if (end > first) props.onLook(rows.numberOf(first), rows.numberOf(end - 1) + 1);
  });
  const fresh = scrolling.leftAt === null ? 0 : rows.count - scrolling.leftAt;
  const digits = String(rows.numberOf(Math.max(0, rows.count - 1)) + 1).length;

  function onKeyDown(event: KeyboardEvent) {
    if ((event.ctrlKey || event.metaKey) && event.key === "a") {
      event.preventDefault(); // the browser would select the rest of the page, and of the lines those that are drawn
      props.onChooseAll();
      return;
    }
    const move = event.target === scroller.current && !(event.ctrlKey || event.altKey || event.metaKey) && MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    move(scrolling, event.shiftKey);
  }

  return (
    <div class="output-view">
      <div
        ref={scroller}
        class={wrap ? "output-lines wrapped" : "output-lines"}
        tabIndex={0}
        role="region"
        aria-label={label}
        style={{ "--digits": String(digits) }}
        onKeyDown={onKeyDown}
      >
        <div>
          <div class="output-layer">
            <div ref={list} class="output-drawn">
              {Array.from({ length: end - first }, (_, index) => {
                const number = rows.numberOf(first + index);
                const line = rows.line(first + index);
                return (
                  <LineRow
                    key={number}
                    number={number}
                    line={line}
                    unfinished={first + index >= rows.finished}
                    style={props.styleBefore(number)}
                    startedAt={props.startedAt}
                    times={props.times}
                    q={finding.q}
                    place={props.place}
                    chosen={span !== null && span.first <= number && number <= span.last}
                    current={finding.line === number}
                    onChoose={props.onChoose}
                  />
                );
              })}
            </div>
          </div>
        </div>
      </div>
      {fresh > 0 && (
        <button type="button" class="main output-fresh" onClick={() => scrolling.follow()}>
          {t.fresh(count(fresh))} ↓
        </button>
      )}
    </div>
  );
}

/** Of a line that is longer than the view is wide, show where the match is, once it is drawn. */
function useMatchInView(scroller: RefObject<HTMLElement | null>, { q, line }: Props["finding"]) {
  const shown = useRef(false);
  useLayoutEffect(() => void (shown.current = line === null), [q, line]);
  useLayoutEffect(() => {
    const mark = shown.current ? null : scroller.current!.querySelector(".current mark");
    if (!mark) return;
    shown.current = true;
    const [view, at] = [scroller.current!.getBoundingClientRect(), mark.getBoundingClientRect()];
    const margin = view.width / 3;
    if (at.right > view.right || at.left < view.left + margin) scroller.current!.scrollLeft += at.left - view.left - margin;
  });
}

const MOVES: Record<string, (scrolling: Scrolling, shift: boolean) => void> = {
  Home: (scrolling) => scrolling.toStart(),
  End: (scrolling) => scrolling.follow(),
  PageUp: (scrolling) => scrolling.page(-1),
  PageDown: (scrolling) => scrolling.page(1),
  " ": (scrolling, shift) => scrolling.page(shift ? -1 : 1),
  ArrowUp: (scrolling) => scrolling.move(-ROW),
  ArrowDown: (scrolling) => scrolling.move(ROW),
};
