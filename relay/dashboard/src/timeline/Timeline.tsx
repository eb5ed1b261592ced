import "./timeline.css";
import type { RefObject } from "preact";
import { useCallback, useEffect, useMemo, useRef } from "preact/hooks";
import { clock, useTick } from "../live/clock";
import { state } from "../live/live";
import type { ScriptRow } from "../live/store";
import { isFailure } from "../live/summary";
import { useHeld } from "../overview/held";
import { listed, NO_WISH } from "../overview/listing";
import { useRowHeight } from "../overview/rowHeight";
import { address } from "../route";
import { useCommands } from "../shell/commands";
import { useInAddress } from "../shell/inAddress";
import { count, duration, moment } from "../text/format";
import { resultOf, triggerName } from "../text/words";
import { Figure, type Table } from "../ui/Figure";
import { useWindow } from "../ui/window";
import type { TimedRun } from "./collection";
import { Feed } from "./feed";
import { Legend } from "./Legend";
import { fit, onZoomKey, place, RANGES, toPresent, viewAt } from "./place";
import { Plot } from "./Plot";
import { readTimeline, timelineQuery, wish } from "./wish";
import { words } from "./words";

const HOUR = 3_600_000;

/** The runs of the last day, a lane for each script, and the starts that are planned. */
export function Timeline() {
  const t = words();
  useInAddress("timeline", timelineQuery(), readTimeline);
  const redraw = useRef<() => void>(() => {});
  const feed = useMemo(() => new Feed(() => redraw.current?.()), []);
  useEffect(() => feed.start(), [feed]);
  const { value: loading } = feed.loading;
  useEffect(() => {
    if (!loading && feed.runs.size) fit(feed.runs.oldest);
  }, [loading]);
  const { rows } = state.value;
  if (!rows) return null;
  return (
    <>
      <div class="bar-of spread timeline-head">
        <h1>{t.title}</h1>
        {loading && <span class="note">{t.loading}</span>}
      </div>
      <Tools />
      {feed.problem.value !== null && <p class="notice problem">{feed.problem.value}</p>}
      {feed.cutAt.value !== null && <p class="notice">{t.cut(moment(feed.cutAt.value, clock.now()))}</p>}
      {rows.size ? <Lanes feed={feed} rows={rows} redraw={redraw} /> : <p class="card nothing">{t.empty}</p>}
    </>
  );
}

function Tools() {
  const t = words();
  const field = useRef<HTMLInputElement>(null);
  const { text, failures } = wish.value;
  useCommands(
    () => [
      { title: t.keys.in, keys: "+", repeats: true, run: () => onZoomKey("+") },
      { title: t.keys.in, keys: "=", quiet: true, repeats: true, run: () => onZoomKey("=") },
      { title: t.keys.out, keys: "-", repeats: true, run: () => onZoomKey("-") },
      { title: t.keys.earlier, keys: "ArrowLeft", repeats: true, run: () => onZoomKey("ArrowLeft") },
      { title: t.keys.later, keys: "ArrowRight", repeats: true, run: () => onZoomKey("ArrowRight") },
      { title: t.keys.all, keys: "0", run: () => onZoomKey("0") },
      { title: t.keys.filter, keys: "/", run: () => field.current?.focus() },
    ],
    [t],
  );
  const buttons: [string, string, string][] = [
    ["ArrowLeft", "←", t.earlier],
    ["ArrowRight", "→", t.later],
    ["-", "−", t.zoomOut],
    ["+", "+", t.zoomIn],
  ];
  return (
    <div class="bar-of timeline-tools">
      <div class="bar-of" role="group" aria-label={t.range}>
        {RANGES.map((past) => (
          <button
            key={past}
            type="button"
            aria-pressed={"past" in place.value && place.value.past === past}
            onClick={() => (place.value = { past })}
          >
            {t.hours(past / HOUR)}
          </button>
        ))}
        {buttons.map(([key, sign, title]) => (
          <button key={key} type="button" class="icon" aria-label={title} title={title} onClick={() => onZoomKey(key)}>
            {sign}
          </button>
        ))}
        <button type="button" disabled={"past" in place.value} onClick={toPresent}>
          {t.now}
        </button>
      </div>
      <input
        ref={field}
        type="search"
        aria-label={t.filter}
        placeholder={t.filter}
        value={text}
        onInput={(event) => (wish.value = { ...wish.value, text: event.currentTarget.value })}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
      />
      <button
        type="button"
        aria-pressed={failures}
        onClick={() => (wish.value = { ...wish.value, failures: !failures })}
      >
        {t.failures}
      </button>
    </div>
  );
}

interface LanesProps {
  feed: Feed;
  rows: ReadonlyMap<string, ScriptRow>;
  redraw: RefObject<() => void>;
}

function Lanes({ feed, rows, redraw }: LanesProps) {
  const t = words();
  const { text, failures } = wish.value;
  const second = useTick((now) => Math.floor(now / 2000)); // which scripts have failures changes by itself
  const wanted = useMemo(() => {
    const fitting = listed(rows.values(), { ...NO_WISH, text }, clock.now());
    return failures ? fitting.filter(({ name }) => feed.runs.lanes.get(name)?.some(wentWrong)) : fitting;
  }, [rows, text, failures, failures && second, failures && feed.loading.value]);
  const { shown, hold } = useHeld(wanted, rows, wish.value);
  const height = useRowHeight("--lane");
  const above = useRowHeight("--lane-name");
  const { ref, first, end } = useWindow(shown.length, height);
  const fits = useCallback((run: TimedRun) => !failures || wentWrong(run), [failures]);
  const { from, to } = viewAt(clock.now());
  const label = t.label(count(shown.length), moment(from, clock.now()), moment(to, clock.now()));
  return (
    <div class="timeline">
      <Figure label={label} table={() => table(feed, shown, fits)}>
        <div class="sheet" {...hold}>
          <div class="names" ref={ref} style={{ height: `${shown.length * height}px` }}>
            <ul style={{ transform: `translateY(${first * height}px)` }}>
              {shown.slice(first, end).map(({ name }) => (
                <li key={name} style={{ height: `${height}px` }}>
                  <a class="line" href={address({ page: "script", name, tab: "runs" })}>
                    {name}
                  </a>
                </li>
              ))}
            </ul>
          </div>
          <Plot {...{ feed, rows: shown, first, end, height, above, fits, redraw }} />
        </div>
      </Figure>
      {!shown.length && <p class="nothing">{t.none}</p>}
      <Legend />
    </div>
  );
}

/** A run that failed by itself, or a start that did not happen. */
function wentWrong(run: TimedRun): boolean {
  return run.status === "skipped" || isFailure(run);
}

/** More of them nobody reads. */
const MOST_LISTED = 500;

/** What is in view, the latest first. */
function table(feed: Feed, rows: readonly ScriptRow[], fits: (run: TimedRun) => boolean): Table {
  const now = clock.now();
  const { from, to } = viewAt(now);
  const runs = rows
    .flatMap(({ name }) => feed.runs.lanes.get(name) ?? [])
    .filter((run) => run.start <= to && (run.end ?? now) >= from && fits(run))
    .sort((a, b) => b.start - a.start);
  const cells = runs
    .slice(0, MOST_LISTED)
    .map((run) => [
      run.script,
      moment(run.start, now),
      run.trigger ? triggerName(run.trigger) : "–",
      resultOf(run).text,
      run.status === "skipped" ? "–" : duration((run.end ?? now) - run.start),
    ]);
  if (runs.length > MOST_LISTED) cells.push([words().most(count(MOST_LISTED)), "", "", "", ""]);
  return { columns: words().columns, rows: cells };
}
