/** What a run wrote, by `/api/v1/runs`. */
import type { Output, Stream } from "../events";
import { getJson, query, request } from "./client";

/** Lines of a run's output. */
export interface OutputPage extends Output {
  /** Number of the line to go on with; null at the end of the output of a run that has ended. */
  readonly next: number | null;
  /** How many lines there are by now, dropped ones included. */
  readonly total: number;
  /** Of every one of `lines`, where they were filtered; null where they follow each other from `from` on. */
  readonly numbers: readonly number[] | null;
  /** Where the lines asked for begin inside of a dropped stretch: number of the first line of it. */
  readonly dropped_from: number | null;
}

export interface OutputFilter {
  readonly stream?: Stream | undefined;
  /** Text in a line, in any case. */
  readonly q?: string;
}

/** How many lines can be asked for at a time. */
export const MOST_LINES = 10_000;

function runPath(id: string): string {
  return `api/v1/runs/${encodeURIComponent(id)}`;
}

/** Address of the whole as a download. */
export function downloadPath(id: string): string {
  return `${runPath(id)}/output.txt`;
}

export function getOutput(
  id: string,
  page: { from: number; limit: number },
  filter: OutputFilter = {},
  signal?: AbortSignal,
): Promise<OutputPage> {
  return getJson<OutputPage>(`${runPath(id)}/output${query({ ...page, ...filter })}`, signal);
}

export async function stopRun(id: string): Promise<void> {
  await request(`${runPath(id)}/stop`, { method: "POST" });
}
