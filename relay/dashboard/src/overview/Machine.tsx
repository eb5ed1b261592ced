import { useMemo } from "preact/hooks";
import type uPlot from "uplot";
import type { SystemMetrics } from "../events";
import { type Column, type History, SPAN, withGaps } from "../live/samples";
import { flag } from "../preferences";
import { colour, type ColourName } from "../shell/theme";
import { bytes, clockMinutes, clockTime, percent, rate } from "../text/format";
import { language } from "../text/language";
import { Chart } from "../ui/Chart";
import type { Table } from "../ui/Figure";
import { words } from "./words";

/** Whether the charts are shown; on a telephone the scripts come first. */
const charts = flag("charts", innerWidth >= 600);

interface Line {
  name: string;
  values: Column;
  colour: ColourName;
}

/** The machine's last 15 minutes, and now. */
export function Machine({ history, system }: { history: History; system: SystemMetrics }) {
  const t = words();
  const gapped = useMemo(() => withGaps(history), [history]);
  return (
    <section class="machine" aria-label={t.machine}>
      <Gauge
        name={t.cpu}
        figure={percent(system.cpu_percent)}
        note={t.load(system.load1.toFixed(2))}
        t={gapped.t}
        lines={[{ name: t.cpu, values: gapped.cpu, colour: "active" }]}
        say={percent}
        full={100}
      />
      <Gauge
        name={t.memory}
        figure={percent(system.memory_percent)}
        note={t.of(bytes(system.memory_used_bytes), bytes(system.memory_total_bytes))}
        t={gapped.t}
        lines={[{ name: t.memory, values: gapped.memory, colour: "active" }]}
        say={percent}
        full={100}
      />
      <Gauge
        name={t.disk}
        figure={percent(system.disk_percent)}
        note={t.io(rate(system.disk_read_bytes_per_second + system.disk_write_bytes_per_second))}
        t={gapped.t}
        lines={[{ name: t.disk, values: gapped.disk, colour: "active" }]}
        say={percent}
        full={100}
      />
      <Gauge
        name={t.network}
        figure={rate(system.network_receive_bytes_per_second)}
        note={`${t.sent} ${rate(system.network_transmit_bytes_per_second)}`}
        t={gapped.t}
        lines={[
          { name: t.received, values: gapped.receive, colour: "active" },
          { name: t.sent, values: gapped.transmit, colour: "warning" },
        ]}
        say={rate}
        full={null}
      />
      <button type="button" class="quiet" aria-expanded={charts.value} onClick={() => (charts.value = !charts.value)}>
        {charts.value ? t.hideCharts : t.showCharts}
      </button>
    </section>
  );
}

interface GaugeProps {
  name: string;
  figure: string;
  note: string;
  /** Unix ms */
  t: readonly number[];
  lines: readonly Line[];
  say(value: number): string;
  /** What the scale ends with; null for one that goes by the values. */
  full: number | null;
}

function Gauge({ name, figure, note, t, lines, say, full }: GaugeProps) {
  const data = useMemo(
    () => [t.map((at) => at / 1000), ...lines.map(({ values }) => values as (number | null)[])] as uPlot.AlignedData,
    [t],
  );
  return (
    <section class="gauge card" aria-label={name}>
      <h2>{name}</h2>
      <span class="figure">{figure}</span>
      <span class="note line">{note}</span>
      {charts.value && (
        <Chart
          label={words().history(name)}
          data={data}
          options={() => drawing(lines, say, full)}
          inputs={[language.value]}
          table={() => table(t, lines, say)}
        />
      )}
    </section>
  );
}

/** Seconds from one time on the axis to the next: its labels are minutes. */
const STEPS = [60, 120, 300, 600];

function drawing(lines: readonly Line[], say: (value: number) => string, full: number | null) {
  const axis = { stroke: colour("quiet"), grid: { show: false }, ticks: { show: false }, font: "11px system-ui" };
  return {
    padding: [8, 16, 0, 0] as uPlot.Padding,
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    legend: { show: false },
    scales: {
      x: { time: true, range: (_: uPlot, _low: number, high: number): [number, number] => [high - SPAN / 1000, high] },
      y: { range: (_: uPlot, _low: number, high: number): [number, number] => [0, full ?? roundBytes(high)] },
    },
    axes: [
      { ...axis, size: 18, space: 70, incrs: STEPS, values: (_: uPlot, at: number[]) => at.map((second) => clockMinutes(second * 1000)) },
      {
        ...axis,
        show: true,
        size: full ? 30 : 62,
        space: 30,
        grid: { stroke: colour("line"), width: 1 },
        splits: ({ scales }: uPlot) => [0, 0.5, 1].map((part) => part * (scales["y"]?.max ?? 0)),
        values: (_: uPlot, values: number[]) => values.map((value) => (full ? String(value) : say(value))),
      },
    ],
    series: [
      {},
      ...lines.map(({ name, colour: of }, index) => ({
        label: name,
        stroke: colour(of),
        width: 1.5,
        ...(index ? { dash: [4, 3] } : { fill: `color-mix(in srgb, ${colour(of)} 12%, transparent)` }),
        points: { show: false },
      })),
    ],
  } satisfies Omit<uPlot.Options, "width" | "height">;
}

/** A power of two that is no less, so that half of it can be said shortly too. */
const roundBytes = (value: number) => 2 ** Math.ceil(Math.log2(Math.max(1024, value)));

/** One row a minute, the latest first. */
function table(t: readonly number[], lines: readonly Line[], say: (value: number) => string): Table {
  const rows: string[][] = [];
  let minute: number | null = null;
  for (let index = t.length - 1; index >= 0; index -= 1) {
    const at = t[index]!;
    if (minute !== null && Math.floor(at / 60_000) === minute) continue;
    minute = Math.floor(at / 60_000);
    const values = lines.map(({ values }) => values[index] ?? null);
    rows.push([clockTime(at), ...values.map((value) => (value === null ? "–" : say(value)))]);
  }
  return { columns: [words().time, ...lines.map(({ name }) => name)], rows };
}
