/** The machine's samples of the last 15 minutes, as columns for charts. */
import type { Samples, SystemMetrics } from "../events";

/** Milliseconds that are remembered. */
export const SPAN = 15 * 60_000;

export interface History {
  /** Unix ms, oldest first. */
  readonly t: readonly number[];
  /** Percent. */
  readonly cpu: Column;
  readonly memory: Column;
  readonly disk: Column;
  /** Bytes a second. */
  readonly receive: Column;
  readonly transmit: Column;
}

/** One value for each time; null where there is none. */
export type Column = readonly (number | null)[];

export const NO_HISTORY: History = { t: [], cpu: [], memory: [], disk: [], receive: [], transmit: [] };

/** Of who does not know how it was. */
export const NO_SAMPLES: Samples = {
  t: [], cpu_percent: [], memory_percent: [], disk_percent: [],
  network_receive_bytes_per_second: [], network_transmit_bytes_per_second: [],
};

/** What the snapshot tells; where it tells nothing, what was heard before. */
export function fromSamples(samples: Samples, before: History): History {
  if (!samples.t.length) return before;
  return {
    t: samples.t.map((instant) => Date.parse(instant)),
    cpu: samples.cpu_percent,
    memory: samples.memory_percent,
    disk: samples.disk_percent,
    receive: samples.network_receive_bytes_per_second,
    transmit: samples.network_transmit_bytes_per_second,
  };
}

/** The history with one sample more, and without those that are too old. */
export function extended(history: History, at: number, sample: SystemMetrics): History {
  const last = history.t.at(-1);
  if (last !== undefined && at <= last) {
    if (at === last) return history; // the snapshot's last one
    return extended(NO_HISTORY, at, sample); // the service's clock was set back
  }
  const from = history.t.findIndex((t) => t > at - SPAN);
  const next = (column: Column, value: number) => [...(from < 0 ? [] : column.slice(from)), value];
  return {
    t: [...(from < 0 ? [] : history.t.slice(from)), at],
    cpu: next(history.cpu, sample.cpu_percent),
    memory: next(history.memory, sample.memory_percent),
    disk: next(history.disk, sample.disk_percent),
    receive: next(history.receive, sample.network_receive_bytes_per_second),
    transmit: next(history.transmit, sample.network_transmit_bytes_per_second),
  };
}

/**
 * The history with a time that has no values wherever samples are missing, so that a chart shows a gap as a gap.
 *
 * Missing is what leaves more than thrice the usual time between two samples.
 */
export function withGaps(history: History): History {
  const { t } = history;
  const steps = t.slice(1).map((at, index) => at - t[index]!);
  const usual = [...steps].sort((a, b) => a - b)[steps.length >> 1] ?? 0;
  const gaps = new Set(steps.flatMap((step, index) => (step > 3 * usual ? [index + 1] : [])));
  if (!gaps.size) return history;
  const apart = <V>(column: readonly V[], between: (index: number) => V) =>
    column.flatMap((value, index) => (gaps.has(index) ? [between(index), value] : [value]));
  const column = (values: Column) => apart<number | null>(values, () => null);
  return {
    t: apart(t, (index) => t[index]! - usual),
    cpu: column(history.cpu),
    memory: column(history.memory),
    disk: column(history.disk),
    receive: column(history.receive),
    transmit: column(history.transmit),
  };
}
