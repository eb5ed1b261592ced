import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { getOutput, MOST_LINES } from "../api/output";
import type { Run, Stream } from "../events";
import { flag, preference } from "../preferences";
import { replace, type Route } from "../route";
import { useAction } from "../shell/action";
import { announce, said } from "../shell/announce";
import { useCommands } from "../shell/commands";
import { count } from "../text/format";
import { NO_STYLE } from "./ansi";
import { copySelected, type Span } from "./copying";
import { Lines } from "./Lines";
import { allRows, type RunOutput, withUnfinished } from "./runOutput";
import { Scan } from "./scan";
import { Scrolling } from "./scrolling";
import type { Selected } from "./selection";
import { Tools } from "./Tools";
import { TIMES, type Times } from "./times";
import { type FollowedOutput, useRedraw } from "./useRunOutput";
import { words } from "./words";

const narrow = innerWidth < 600;
const wrap = flag("output.wrap", narrow);
const times = preference<Times>("output.times", narrow ? "none" : "offset", (value) =>
  TIMES.find((each) => each === value) ?? "offset",
);

type Place = Extract<Route, { page: "script" }>;

interface Props {
  run: Run;
  followed: FollowedOutput;
  label: string;
  /** The line of a link; undefined where there is none. */
  line: number | undefined;
  onFollow(following: boolean): void;
}

/** What a run wrote: to read, to search, to copy. */
export function Viewer({ run, followed: { output, version }, label, line, onFollow }: Props) {
  void version.value;
  const t = words();
  const redraw = useRedraw();
  const [stream, setStream] = useState<Stream | undefined>(undefined);
  const filtered = useFiltered(run.run_id, stream, output.total ?? 0);
  const rows = withUnfinished(filtered?.rows ?? allRows(output), output, stream);
  const scrolling = useMemo(() => new Scrolling(redraw, line === undefined), [output, stream]);
  useSameLines(output, stream === undefined ? scrolling : null);
  const place: Place = { page: "script", name: run.script_name, tab: "output", run: run.run_id };
  const { span, choose, chooseAll, goTo } = useSpan(place, line, output, (number) => scrolling.show(rows.rowOf(number)));
  const [finding, setFinding] = useState<{ q: string; line: number | null }>({ q: "", line: null });

  const copy = useAction(async (selected: Selected) =>
    announce(t.copied(count(await copySelected(run.run_id, selected, stream)))),
  );

  useEffect(() => onFollow(scrolling.following), [scrolling.following]);

  function find(q: string, number: number | null) {
    setFinding({ q, line: number });
    if (number === null) return;
    const row = rows.rowOf(number);
    if (scrolling.shows(row)) scrolling.follow(false);
    else scrolling.show(row);
  }

  useCommands(
    () => [
      { title: t.keys.follow, keys: "f", run: () => scrolling.follow(!scrolling.following) },
      { title: t.keys.wrap, keys: "w", run: () => (wrap.value = !wrap.value) },
      { title: t.keys.end, keys: "End", run: () => scrolling.follow() },
      { title: t.keys.start, keys: "Home", run: () => scrolling.toStart() },
      { title: t.keys.up, keys: "PageUp", repeats: true, run: () => scrolling.page(-1) },
      { title: t.keys.down, keys: "PageDown", repeats: true, run: () => scrolling.page(1) },
    ],
    [t, scrolling],
  );

  const problem = output.problem ?? filtered?.problem ?? null;
  return (
    <section class="output" aria-label={t.tools}>
      <Tools
        run={run}
        total={output.total ?? 0}
        {...{ stream, setStream, wrap, times, scrolling, span, goTo }}
        top={() => rows.numberOf(scrolling.top)}
        onFind={find}
      />
      {problem !== null && (
        <div class="notice">
          <p class="problem">{said(problem)}</p>
          <button type="button" onClick={() => (filtered?.problem ? filtered.go(output.total ?? 0) : output.retry())}>
            {t.retry}
          </button>
        </div>
      )}
      {rows.count ? (
        <Lines
          {...{ rows, scrolling, label, finding, span, place }}
          wrap={wrap.value}
          times={times.value}
          startedAt={run.started_at === null ? 0 : Date.parse(run.started_at)}
          styleBefore={(number) => (stream ? NO_STYLE : output.pages.styleBefore(number))}
          onLook={(first, end) => !stream && output.want(first, end)}
          onChoose={choose}
          onChooseAll={chooseAll}
          onCopy={(selected) => void copy.go(selected)}
        />
      ) : (
        <p class="note loading">{problem === null && emptiness(run, output, filtered)}</p>
      )}
    </section>
  );
}

/** The lines of one stream; null where those of both are shown. */
function useFiltered(runId: string, stream: Stream | undefined, total: number): Scan | null {
  const redraw = useRedraw();
  const scan = useMemo(
    () =>
      stream
        ? new Scan({
            ask: (from) => getOutput(runId, { from, limit: MOST_LINES }, { stream }),
            keeping: true,
            onChange: redraw,
          })
        : null,
    [runId, stream],
  );
  useEffect(() => () => scan?.close(), [scan]);
  useEffect(() => void scan?.go(total), [scan, total]);
  return scan;
}

/** Have the same lines in view when it becomes known that others were dropped. */
function useSameLines({ gaps }: RunOutput, scrolling: Scrolling | null) {
  const before = useRef(gaps);
  if (before.current === gaps) return;
  const old = before.current;
  before.current = gaps;
  scrolling?.moveRows((row) => gaps.rowOf(old.lineOf(row)));
}

/** The lines that are chosen: that of the link, or more from there on. */
function useSpan(place: Place, line: number | undefined, output: RunOutput, show: (number: number) => void) {
  const t = words();
  const total = output.total ?? 0;
  const [span, setSpan] = useState<Span | null>(null);
  useEffect(() => {
    if (line === undefined) setSpan(null);
    else if (total && (span?.first !== line || output.gaps.nearest(line, total) !== line)) goTo(line);
  }, [line, total > 0, output.gaps]); // that a line was dropped becomes known on the way to it

  function put(chosen: Span | null) {
    setSpan(chosen);
    replace(chosen ? { ...place, line: chosen.first } : place);
  }

  function goTo(wanted: number) {
    if (!total) {
      replace({ ...place, line: wanted }); // which is shown as soon as it is there
      return;
    }
    const number = output.gaps.nearest(Math.min(wanted, total - 1), total);
    if (wanted >= total) announce(t.endsAt(count(total)));
    else if (number !== wanted) announce(t.notKept(count(wanted + 1)));
    put({ first: number, last: number });
    show(number);
  }

  function choose(number: number, extend: boolean) {
    if (extend && span) put({ first: Math.min(span.first, number), last: Math.max(span.last, number) });
    else put(span?.first === number && span.last === number ? null : { first: number, last: number });
  }

  function chooseAll() {
    setSpan({ first: 0, last: total - 1 });
  }

  return { span, choose, chooseAll, goTo };
}

function emptiness(run: Run, output: RunOutput, filtered: Scan | null): string {
  const t = words();
  if (output.total === null || (filtered && !filtered.done)) return t.loading;
  if (run.status === "running") return run.started_at === null ? t.waits : t.noneYet;
  if (output.total) return t.noneOf;
  return run.stdout_bytes + run.stderr_bytes > 0 ? t.gone : t.none;
}
