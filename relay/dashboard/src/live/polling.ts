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
  epoch: string;
  /** Number of the latest durable event: while it is the same, nothing has started, ended or been changed. */
  seq: number;
  active_scripts: number;
  sampled_at: Instant;
  system_metrics: SystemMetrics;
}

export class Polling {
  readonly #onFrames: (frames: Frame[]) => void;
  readonly #onAnswering: (answering: boolean) => void;
  #abort: AbortController | null = null;
  /** The event up to which everything was asked for. */
  #seen = "";

  constructor(onFrames: (frames: Frame[]) => void, onAnswering: (answering: boolean) => void) {
    this.#onFrames = onFrames;
    this.#onAnswering = onAnswering;
  }

  start(): void {
    if (this.#abort) return;
    this.#abort = new AbortController();
    this.#seen = "";
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
        this.#onFrames(await this.#look(signal));
        this.#onAnswering(true);
      } catch {
        if (!signal.aborted) this.#onAnswering(false);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  async #look(signal: AbortSignal): Promise<Frame[]> {
    const status = await getJson<Status>("api/v1/status", signal);
    const { epoch, seq, active_scripts, sampled_at: timestamp, system_metrics } = status;
    const sample: Frame = { type: "system_metrics", timestamp, data: system_metrics };
    const now = `${epoch} ${seq}`;
    if (now === this.#seen && !active_scripts) return [sample]; // of what is under way, the progress may be another
    const [{ scripts }, { runs }] = await Promise.all([
      getJson<{ scripts: Script[] }>("api/v1/scripts", signal),
      getJson<{ runs: Run[] }>("api/v1/runs?status=running&limit=1000", signal),
    ]);
    this.#seen = now;
    const data = { scripts, active_runs: runs, system_metrics, samples: NO_SAMPLES };
    return [{ type: "snapshot", timestamp, data }, sample];
  }
}
