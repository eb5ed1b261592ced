import { type Signal, useSignal } from "@preact/signals";
import { type RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { clock } from "../live/clock";
import { paused, visible } from "../live/live";
import type { ScriptRow } from "../live/store";
import { address, go } from "../route";
import { sentence } from "../script/schedule";
import { isDark } from "../shell/theme";
import { duration, moment } from "../text/format";
import { language } from "../text/language";
import { resultOf } from "../text/words";
import { placeOf, PlannedCard, RunCard } from "./Card";
import type { TimedRun } from "./collection";
import { AXIS, drawAxis, drawGrid, drawLane, drawNow, prepared } from "./draw";
import type { Feed } from "./feed";
import { type Ghost, type Lane, place as placed, type Placed, pointedAt } from "./lane";
import { onZoomKey, pan, place, viewAt, zoom } from "./place";
import { listen } from "./touch";
import { words } from "./words";

interface Props {
  feed: Feed;
  /** Of every lane, from the top. */
  rows: readonly ScriptRow[];
  /** Those from `first` on, before `end`, are near the view. */
  first: number;
  end: number;
  /** Of a lane, in pixels. */
  height: number;
  /** What is left out of it at its top, for its name. */
  above: number;
  /** What is shown of the runs. */
  fits(run: TimedRun): boolean;
  /** To be called when there is something else to draw. */
  redraw: RefObject<() => void>;
}

/** Something in a lane that is pointed at. */
interface Pointed {
  row: ScriptRow;
  item: Placed | Ghost;
}

/** The lanes' runs, drawn; the pointer and the keys are for what is drawn. */
export function Plot(props: Props) {
  const { rows, first, end, height, redraw } = props;
  const t = words();
  const axis = useRef<HTMLCanvasElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const plot = useRef<HTMLDivElement>(null);
  const link = useRef<HTMLAnchorElement>(null);
  const lanes = useRef<ReadonlyMap<string, Lane>>(new Map());
  const pointed = useSignal<Pointed | null>(null);
  /** Where the mouse rests on what is drawn, which moves on beneath it. */
  const mouse = useRef<PointerEvent | null>(null);
  const cursor = useSignal<Cursor | null>(null);
  const latest = useRef(props);
  latest.current = props;

  useLayoutEffect(() => {
    let frame = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    redraw.current = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        const width = plot.current!.clientWidth;
        lanes.current = draw(axis.current!, canvas.current!, width, latest.current);
        if (mouse.current) pointAt(mouse.current);
        else pointed.value = found(pointed.value, lanes.current);
        cursor.value = present(cursor.value, latest.current, lanes.current);
        moveTo(link.current, cursor.value, latest.current, lanes.current);
        clearTimeout(timer);
        timer = setTimeout(() => visible.value && !paused.value && redraw.current?.(), paceOf(width));
      });
    };
    const size = new ResizeObserver(() => redraw.current?.());
    size.observe(plot.current!);
    const ignore = listen(plot.current!, isDrawn, {
      onZoom: (factor, x) => zoom(factor, timeAt(x)),
      onPan: (by) => pan(by / plot.current!.clientWidth),
      onPoint: pointAt,
      onPress: (event) => {
        const hit = at(event);
        // Who has no pointer that hovers sees what it is before going there.
        if (hit && "run" in hit.item && event.pointerType === "mouse") go(placeOf(hit.item.run));
        pointed.value = hit;
      },
    });
    return () => {
      redraw.current = () => {};
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      size.disconnect();
      ignore();
    };
  }, []);

  useLayoutEffect(() => moveTo(link.current, cursor.value, latest.current, lanes.current), [cursor.value]);
  useEffect(() => redraw.current?.(), [rows, first, end, height, props.fits, place.value, isDark.value, language.value]);

  function timeAt(x: number): number {
    const { from, to } = viewAt(clock.now());
    return from + (x / plot.current!.clientWidth) * (to - from);
  }

  function at(event: PointerEvent): Pointed | null {
    const { rows, first, height, above } = latest.current;
    const { left, top } = canvas.current!.getBoundingClientRect();
    const y = event.clientY - top;
    const row = rows[first + Math.floor(y / height)];
    const lane = row && lanes.current.get(row.name);
    const item = lane && pointedAt(lane, event.clientX - left, ((y % height) - above) / (height - above));
    return row && item ? { row, item } : null;
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const walked = onWalkKey(event.key);
    if (!walked && !onZoomKey(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** `,` and `.` go through a lane, arrows to the next one: to what is nearest there. */
  function onWalkKey(key: string): boolean {
    const from = cursor.value;
    if (!from) return false;
    if (key === "," || key === ".") {
      const runs = lanes.current.get(from.row.name)?.runs ?? [];
      const index = runs.findIndex(({ run }) => run.id === from.run.id);
      const next = runs[index + (key === "." ? 1 : -1)];
      if (next) put(from.row, next.run);
      return true;
    }
    if (key !== "ArrowUp" && key !== "ArrowDown") return false;
    const step = key === "ArrowDown" ? 1 : -1;
    const { rows } = latest.current;
    for (let index = rows.indexOf(from.row) + step; rows[index]; index += step) {
      const row = rows[index]!;
      const near = nearest(runsInView(latest.current, row), from.run.start);
      if (near) {
        put(row, near);
        break;
      }
    }
    return true;
  }

  function put(row: ScriptRow, run: TimedRun) {
    cursor.value = { row, run, visited: true };
    moveTo(link.current, cursor.value, latest.current, lanes.current);
    point();
    link.current?.scrollIntoView({ block: "nearest" });
  }

  function isDrawn(target: EventTarget | null): boolean {
    return target === canvas.current || target === axis.current;
  }

  function pointAt(event: PointerEvent) {
    pointed.value = at(event);
    canvas.current!.style.cursor = pointed.value && "run" in pointed.value.item ? "pointer" : "";
  }

  function hide() {
    mouse.current = null;
    pointed.value = null;
  }

  /** Show what has the focus. */
  function point() {
    mouse.current = null;
    const { row, run } = (cursor.value = { ...cursor.value!, visited: true });
    const item = lanes.current.get(row.name)?.runs.find((each) => each.run.id === run.id);
    pointed.value = item ? { row, item } : null;
  }

  return (
    <div
      ref={plot}
      class="plot"
      onPointerMove={(event) => {
        const rests = event.pointerType === "mouse" && !event.buttons && isDrawn(event.target);
        mouse.current = rests ? event : null;
      }}
      onPointerLeave={(event) => event.pointerType === "mouse" && hide()}
      onKeyDown={(event) => event.key === "Escape" && hide()}
    >
      <canvas ref={axis} class="axis" height={AXIS} aria-hidden="true" />
      <div class="lanes" style={{ height: `${rows.length * height}px` }}>
        <canvas ref={canvas} style={{ top: `${first * height}px` }} aria-hidden="true" />
        {cursor.value && (
          <a
            ref={link}
            class="cursor"
            href={address(placeOf(cursor.value.run))}
            aria-label={inWords(cursor.value.run)}
            aria-description={t.how}
            onKeyDown={onKeyDown}
            onFocus={point}
            onBlur={() => (pointed.value = null)}
          />
        )}
        <Detail pointed={pointed} {...{ rows, height }} />
      </div>
    </div>
  );
}

/** What the focus is at, or would come to. */
interface Cursor {
  row: ScriptRow;
  run: TimedRun;
  /** The reader has been there. */
  visited: boolean;
}

/** Pixels of the axis that a button lies on where the names do not stand beside the lanes. */
const BUTTON = 34;

/** Draw the axis and the lanes near the view; answers where everything is. */
function draw(axis: HTMLCanvasElement, canvas: HTMLCanvasElement, width: number, props: Props): Map<string, Lane> {
  const { feed, rows, first, end, height, above, fits } = props;
  const now = clock.now();
  const view = viewAt(now);
  const total = (end - first) * height;
  const nowAt = ((now - view.from) / (view.to - view.from)) * width;
  const grid = drawAxis(axis, view, width, now, above ? BUTTON : 0);
  const context = prepared(canvas, width, total + 1);
  drawGrid(context, grid, nowAt < width ? Math.max(0, nowAt) : null, width, total, height);
  const lanes = new Map<string, Lane>();
  rows.slice(first, end).forEach((row, index) => {
    const runs = (feed.runs.lanes.get(row.name) ?? []).filter(fits);
    const planned = row.enabled ? (feed.planned.get(row.name) ?? null) : null;
    const lane = placed(runs, planned, view, width, now, feed.horizon);
    lanes.set(row.name, lane);
    drawLane(context, lane, { top: index * height + above + 8, height: height - above - 16 }, rhythm(row), width);
  });
  if (nowAt >= 0 && nowAt <= width) drawNow(context, nowAt, total);
  return lanes;
}

/** What to write on starts that are too close to each other to be told apart. */
function rhythm({ schedule }: ScriptRow): string {
  const { text } = sentence(schedule);
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Milliseconds from one picture to the next: as long as it takes the present to move on by a pixel. */
function paceOf(width: number): number {
  const { from, to } = viewAt(clock.now());
  const slowest = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 50;
  return Math.min(1000, Math.max(slowest, (to - from) / Math.max(1, width)));
}

/** What was pointed at, where and as it is now. */
function found(before: Pointed | null, lanes: ReadonlyMap<string, Lane>): Pointed | null {
  if (!before) return null;
  const lane = lanes.get(before.row.name);
  const { item: was } = before;
  const item =
    "run" in was
      ? lane?.runs.find(({ run }) => run.id === was.run.id)
      : lane?.ghosts.find(({ at }) => at === was.at);
  return item ? { row: before.row, item } : null;
}

/** The cursor as things are now; until the reader comes, at the latest run of the topmost lane that has one. */
function present(before: Cursor | null, props: Props, lanes: ReadonlyMap<string, Lane>): Cursor | null {
  const { rows, first, end } = props;
  if (before?.visited) {
    const row = rows.find(({ name }) => name === before.row.name);
    const run = row && runsInView(props, row).find(({ id }) => id === before.run.id);
    if (row && run) return row === before.row && run === before.run ? before : { row, run, visited: true };
  }
  for (const row of rows.slice(first, end)) {
    const run = lanes.get(row.name)?.runs.at(-1)?.run;
    if (run) return { row, run, visited: false };
  }
  return null;
}

/** Those of a lane that may be too far down to be drawn. */
function runsInView({ feed, fits }: Props, row: ScriptRow): TimedRun[] {
  const now = clock.now();
  const { from, to } = viewAt(now);
  const runs = feed.runs.lanes.get(row.name) ?? [];
  return runs.filter((run) => run.start <= to && (run.end ?? now) >= from && fits(run));
}

function nearest(runs: readonly TimedRun[], time: number): TimedRun | null {
  let best: TimedRun | null = null;
  for (const run of runs) {
    if (!best || Math.abs(run.start - time) < Math.abs(best.start - time)) best = run;
  }
  return best;
}

/** Put the link over what it leads to. */
function moveTo(link: HTMLElement | null, cursor: Cursor | null, { rows, height, above }: Props, lanes: ReadonlyMap<string, Lane>) {
  const item = cursor && lanes.get(cursor.row.name)?.runs.find(({ run }) => run.id === cursor.run.id);
  if (!link || !cursor) return;
  link.style.top = `${rows.indexOf(cursor.row) * height + above + 3}px`;
  link.style.height = `${height - above - 6}px`;
  if (!item) return; // its lane is not drawn yet
  const left = Math.max(0, item.left - 4);
  link.style.left = `${left}px`;
  link.style.width = `${Math.max(12, item.left + item.width + 4 - left)}px`;
}

/** A run in one sentence. */
function inWords(run: TimedRun): string {
  const took = run.end === null || run.status === "skipped" ? "" : `, ${duration(run.end - run.start)}`;
  return `${run.script}, ${moment(run.start, clock.now())}: ${resultOf(run).text}${took}`;
}

const CARD_WIDTH = 256;
const CARD_HEIGHT = 250;

function Detail({ pointed, rows, height }: { pointed: Signal<Pointed | null>; rows: readonly ScriptRow[]; height: number }) {
  const ref = useRef<HTMLDivElement>(null);
  const what = pointed.value;
  const index = what ? rows.findIndex(({ name }) => name === what.row.name) : -1;
  useLayoutEffect(() => {
    const card = ref.current;
    if (!card || !what) return;
    const lanes = card.parentElement!;
    const { item } = what;
    const left = Math.max(0, item.left) + ("run" in item ? Math.min(item.width, 24) / 2 : 0);
    card.style.left = `${Math.max(0, Math.min(left - 24, lanes.clientWidth - CARD_WIDTH))}px`;
    const bottom = lanes.getBoundingClientRect().top + (index + 1) * height;
    const below = bottom + CARD_HEIGHT < innerHeight;
    card.style.top = `${(below ? index + 1 : index) * height + (below ? -3 : 3)}px`;
    card.style.transform = below ? "" : "translateY(-100%)";
  }, [what, index, height]);
  if (!what || index < 0) return null;
  return (
    <div ref={ref} class="detail">
      {"run" in what.item ? <RunCard run={what.item.run} /> : <PlannedCard row={what.row} at={what.item.at} />}
    </div>
  );
}
