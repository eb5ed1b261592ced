import { useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";
import type { PastRun } from "../events";
import { clock } from "../live/clock";
import { isFailure } from "../live/summary";
import { medianDuration } from "../overview/estimate";
import { go } from "../route";
import { colour, type ColourName } from "../shell/theme";
import { count, duration, moment } from "../text/format";
import { language } from "../text/language";
import { resultOf, type Sign } from "../text/words";
import { Chart } from "../ui/Chart";
import { Signed } from "../ui/Signed";
import { labels } from "./axis";
import { Nothing } from "./Nothing";
import { words } from "./words";

/** Runs that are shown. */
const MOST = 200;

/** How long each of the last runs took, those that failed marked. */
export function Durations({ name, runs }: { name: string; runs: readonly PastRun[] | null }) {
  const t = words();
  const shown = useMemo(() => runs?.slice(-MOST) ?? [], [runs?.length, runs?.at(-1)]);
  const [at, setAt] = useState<number | null>(null);
  const median = medianDuration(shown.filter(({ status }) => status === "completed"));
  const failed = shown.filter(isFailure).length;
  const data = useMemo(() => columns(shown, median), [shown, median]);
  const pointed = at === null ? null : (shown[at] ?? null);
  const medianText = median === null ? "" : t.median(duration(median));
  return (
    <section class="card">
      <h2>{t.durations}</h2>
      <p class="note readout line">
        {pointed ? (
          <>
            {moment(Date.parse(pointed.started_at), clock.now())} · {duration(pointed.duration)} ·{" "}
            <Signed {...saying(pointed)} />
          </>
        ) : (
          shown.length > 0 && [t.lastRuns(count(shown.length)), medianText].filter(Boolean).join(" · ")
        )}
      </p>
      {shown.length ? (
        <Chart
          label={t.durationsOf(count(shown.length), count(failed), medianText)}
          data={data}
          options={() => drawing(shown, setAt, (run) => go({ page: "script", name, tab: "output", run: run.run_id }))}
          inputs={[language.value, shown]}
          table={() => ({
            columns: [t.start, t.durations, t.result],
            rows: [...shown]
              .reverse()
              .map((run) => [moment(Date.parse(run.started_at), clock.now()), duration(run.duration), saying(run).text]),
          })}
        />
      ) : (
        <Nothing known={runs !== null} />
      )}
    </section>
  );
}

function saying(run: PastRun) {
  return resultOf({ ...run, exitCode: null });
}

const SIGNS = ["good", "bad", "warning"] as const satisfies readonly Sign[];

/** The runs one beside the other, a column for each sign; and the median. Seconds. */
function columns(runs: readonly PastRun[], median: number | null): uPlot.AlignedData {
  return [
    runs.map((_, index) => index),
    ...SIGNS.map((sign) => runs.map((run) => (saying(run).sign === sign ? run.duration / 1000 : null))),
    runs.map(() => (median === null ? null : median / 1000)),
  ];
}

/** Seconds from one line across to the next. */
const STEPS = [
  ...[0.001, 0.01, 0.1, 1].flatMap((unit) => [unit, 2 * unit, 5 * unit]),
  ...[10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 604_800],
];

function drawing(
  runs: readonly PastRun[], onPoint: (index: number | null) => void, onOpen: (run: PastRun) => void,
): Omit<uPlot.Options, "width" | "height"> {
  const axis = { stroke: colour("quiet"), grid: { show: false }, ticks: { show: false }, font: "11px system-ui" };
  const when = (places: number[]) => {
    const there = places.filter((index) => runs[index]);
    const texts = labels(there.map((index) => Date.parse(runs[index]!.started_at)));
    return places.map((index) => texts[there.indexOf(index)] ?? "");
  };
  return {
    padding: [10, 28, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    legend: { show: false },
    scales: {
      x: { time: false, range: () => [-0.5, Math.max(20, runs.length) - 0.5] },
      y: { range: (_, _low, high) => [0, Math.max(0.001, high) * 1.08] },
    },
    axes: [
      { ...axis, size: 18, space: 90, values: (_, at) => when(at) },
      {
        ...axis,
        size: 58,
        space: 34,
        incrs: STEPS,
        grid: { stroke: colour("line"), width: 1 },
        values: (_, values) => values.map((value) => (value ? duration(value * 1000) : "0")),
      },
    ],
    series: [{}, ...SIGNS.map((sign) => ({ label: sign, paths: bars(sign), points: { show: false } })), medianLine()],
    hooks: {
      setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)],
      draw: [(plot) => mark(plot, runs)],
      ready: [
        (plot) =>
          plot.over.addEventListener("click", () => {
            const run = runs[plot.cursor.idx ?? -1];
            if (run) onOpen(run);
          }),
      ],
    },
  };
}

function medianLine(): uPlot.Series {
  return { label: "median", stroke: colour("quiet"), width: 1, dash: [5, 4], points: { show: false } };
}

/** Bars as uPlot's own would be, but never so low that they cannot be seen. */
function bars(sign: ColourName): uPlot.Series.PathBuilder {
  return (plot, series, first, last) => {
    const { ctx } = plot;
    const width = Math.max(1, (plot.valToPos(1, "x", true) - plot.valToPos(0, "x", true)) * 0.72);
    const floor = plot.valToPos(0, "y", true);
    ctx.fillStyle = colour(sign);
    ctx.globalAlpha = sign === "good" ? 0.7 : 1;
    for (let index = first; index <= last; index += 1) {
      const value = plot.data[series]![index];
      if (value === null || value === undefined) continue;
      const top = Math.min(floor - 2, plot.valToPos(value, "y", true));
      ctx.fillRect(plot.valToPos(index, "x", true) - width / 2, top, width, floor - top);
    }
    ctx.globalAlpha = 1;
    return null;
  };
}

/** A cross above what failed, a triangle above what was stopped: the colour does not say it alone. */
function mark(plot: uPlot, runs: readonly PastRun[]): void {
  const { ctx } = plot;
  const size = 3 * devicePixelRatio;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([]);
  runs.forEach((run, index) => {
    const { sign } = saying(run);
    if (sign === "good") return;
    const x = plot.valToPos(index, "x", true);
    const y = Math.max(plot.bbox.top, plot.valToPos(run.duration / 1000, "y", true) - 2 * size);
    ctx.strokeStyle = ctx.fillStyle = colour(sign === "bad" ? "bad" : "warning");
    ctx.beginPath();
    if (sign === "bad") {
      ctx.moveTo(x - size, y - size);
      ctx.lineTo(x + size, y + size);
      ctx.moveTo(x + size, y - size);
      ctx.lineTo(x - size, y + size);
      ctx.stroke();
    } else {
      ctx.moveTo(x, y - size);
      ctx.lineTo(x + size, y + size);
      ctx.lineTo(x - size, y + size);
      ctx.fill();
    }
  });
}
