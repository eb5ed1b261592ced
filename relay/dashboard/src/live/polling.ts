/**
 * The state of the service by plain requests, where something on the way does not let WebSockets through.
 *
 * What is asked for is handed on as a `snapshot` and a `system_metrics` frame, as the stream would have sent them.
 */
import { getJson } from "../api/client";
import type { Frame, Instant, Run, Script, SystemMetrics } from "../events";
import { NO_SAMPLES } from "./samples";

/** From one answer to the next question, in milliseconds. */
const PAUSE = 5_000;

interface Status {
  sampled_at: Instant;
  system_metrics: SystemMetrics;
}

export class Polling {
  readonly #onFrames: (frames: Frame[]) => void;
  readonly #onAnswering: (answering: boolean) => void;
  #abort: AbortController | null = null;

  constructor(onFrames: (frames: Frame[]) => void, onAnswering: (answering: boolean) => void) {
    this.#onFrames = onFrames;
    this.#onAnswering = onAnswering;
  }

  start(): void {
    if (this.#abort) return;
    this.#abort = new AbortController();
    void this.#poll(this.#abort.signal);
  }

  stop(): void {
    if (!this.#abort) return;
    this.#abort.abort();
    this.#abort = null;
    this.#onAnswering(false);
  }

  async #poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const frames = await look(signal);
        this.#onFrames(frames);
        this.#onAnswering(true);
      } catch {
        if (!signal.aborted) this.#onAnswering(false);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

async function look(signal: AbortSignal): Promise<Frame[]> {
  const [{ scripts }, { runs }, status] = await Promise.all([
    getJson<{ scripts: Script[] }>("api/v1/scripts", signal),
    getJson<{ runs: Run[] }>("api/v1/runs?status=running&limit=1000", signal),
    getJson<Status>("api/v1/status", signal),
  ]);
  const { sampled_at: timestamp, system_metrics } = status;
  return [
    { type: "snapshot", timestamp, data: { scripts, active_runs: runs, system_metrics, samples: NO_SAMPLES } },
    { type: "system_metrics", timestamp, data: system_metrics },
  ];
}
