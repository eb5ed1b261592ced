/**
 * The state of the service by plain requests, where something on the way does not let WebSockets through.
 *
 * What is asked for is handed on as a `snapshot` and a `system_metrics` frame, as the stream would have sent them.
 */
import { getJson } from "../api/client";
import type { Frame, Run, Script, ServiceStatus } from "../events";
import { NO_SAMPLES } from "./samples";

/** From one answer to the next question, in milliseconds. */
const PAUSE = 5_000;

/** The service's clock has been set, or this machine's, where they are apart by so much more than before. */
const CLOCK_SET = 1_000;

export class Polling {
  readonly #onFrames: (frames: Frame[]) => void;
  readonly #onAnswering: (answering: boolean) => void;
  #abort: AbortController | null = null;
  /** The event up to which everything was asked for. */
  #seen = "";
  #epoch = "";
  /** The service's clock less this machine's, as it was told, in milliseconds. */
  #offset = 0;

  constructor(onFrames: (frames: Frame[]) => void, onAnswering: (answering: boolean) => void) {
    this.#onFrames = onFrames;
    this.#onAnswering = onAnswering;
  }

  start(): void {
    if (this.#abort) return;
    this.#abort = new AbortController();
    this.#seen = this.#epoch = "";
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
    const status = await getJson<ServiceStatus>("api/v1/status", signal);
    const { active_scripts, sampled_at: timestamp, system_metrics } = status;
    const greeting = this.#greeting(status);
    const sample: Frame = { type: "system_metrics", timestamp, data: system_metrics };
    // While the latest durable event is the same, nothing has started, ended or been changed.
    const now = `${status.epoch} ${status.seq}`;
    if (now === this.#seen && !active_scripts) return [...greeting, sample]; // of what is under way, the progress may be another
    const [{ scripts }, { runs }] = await Promise.all([
      getJson<{ scripts: Script[] }>("api/v1/scripts", signal),
      getJson<{ runs: Run[] }>("api/v1/runs?status=running&limit=1000", signal),
    ]);
    this.#seen = now;
    const data = { scripts, active_runs: runs, system_metrics, samples: NO_SAMPLES };
    return [...greeting, { type: "snapshot", timestamp, data }, sample];
  }

  /** As the stream would greet, where that says anything new: another life of the service, another time. */
  #greeting({ epoch, seq, version, now }: ServiceStatus): Frame[] {
    const offset = Date.parse(now) - Date.now();
    const resumed = epoch === this.#epoch;
    if (resumed && Math.abs(offset - this.#offset) < CLOCK_SET) return [];
    this.#epoch = epoch;
    this.#offset = offset;
    return [{ type: "hello", timestamp: now, data: { protocol: 1, version, epoch, seq, resumed, heartbeat_ms: 0, now } }];
  }
}
