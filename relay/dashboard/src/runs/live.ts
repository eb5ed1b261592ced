/** A list of runs, asked for page by page, and looked at anew whenever something happens to its runs. */
import { effect, signal } from "@preact/signals";
import { getRun, listRuns, type RunFilter, type RunPage } from "../api/runs";
import type { Frame } from "../events";
import { onFrame, paused, visible } from "../live/live";
import { said } from "../shell/announce";
import { continued, refreshed, updated } from "./listing";

const PAGE = 50;
/** The service gives no more at once. */
const MOST = 1_000;
/** At least so many milliseconds lie between two looks. */
const PAUSE = 1_000;
/** Looking for text in outputs is work for the service. */
const PAUSE_OF_SEARCH = 5_000;
/** What happens within so many milliseconds is looked at together. */
const TOGETHER = 50;

export class LiveRuns {
  /** Null until the first answer. */
  readonly page = signal<RunPage | null>(null);
  readonly problem = signal<string | null>(null);
  /** The following page is being asked for. */
  readonly continuing = signal(false);
  readonly #filter: RunFilter;
  readonly #abort = new AbortController();
  readonly #touched = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lookedAt = -Infinity;
  /** Runs to ask for at first. */
  readonly #first: number;
  /** Something has happened since the last look. */
  readonly #news = signal(true);
  readonly #looking = signal(false);

  /** `loaded`: how many runs the reader had before them when they were here last. */
  constructor(filter: RunFilter, loaded = 0) {
    this.#filter = filter;
    this.#first = Math.min(MOST, Math.max(PAGE, loaded));
  }

  /** Begin to ask and to listen; until the function that is returned is called. */
  start(): () => void {
    const ignore = onFrame((frame) => this.#hear(frame));
    const stop = effect(() => {
      const moves = visible.value && !paused.value;
      // Who has paused the page wants what is there to stand still, not to be shown nothing.
      if (this.#news.value && !this.#looking.value && (moves || this.page.peek() === null)) this.#lookSoon();
    });
    return () => {
      ignore();
      stop();
      clearTimeout(this.#timer);
      this.#abort.abort();
    };
  }

  /** Ask for the following page. */
  async more(): Promise<void> {
    const before = this.page.value?.next ?? undefined;
    this.continuing.value = true;
    await this.#ask(async () => {
      const page = await listRuns(this.#filter, { limit: PAGE, before }, this.#abort.signal);
      if (this.page.value?.next === before) this.page.value = continued(this.page.value!, page);
    });
    this.continuing.value = false;
  }

  #hear({ type, data }: Frame): void {
    if (type === "script_status") this.#touched.add(data.run_id);
    else if (type !== "run_skipped" && type !== "script_changed" && type !== "snapshot") return;
    if (type !== "snapshot") {
      const script = type === "script_changed" ? data.script.name : data.script_name;
      if ((this.#filter.script ?? script) !== script) return;
    } else this.page.value?.runs.forEach((run) => this.#touched.add(run.run_id));
    this.#news.value = true;
  }

  #lookSoon(): void {
    const pause = this.#filter.q === undefined ? PAUSE : PAUSE_OF_SEARCH;
    const wait = Math.max(this.#lookedAt + pause - performance.now(), this.page.peek() ? TOGETHER : 0);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), wait);
  }

  async #look(): Promise<void> {
    this.#lookedAt = performance.now();
    this.#looking.value = true;
    this.#news.value = false;
    const touched = new Set(this.#touched);
    this.#touched.clear();
    await this.#ask(async () => {
      const { signal } = this.#abort;
      const page = await listRuns(this.#filter, { limit: this.page.peek() ? PAGE : this.#first }, signal);
      this.page.value = this.page.value ? refreshed(this.page.value, page) : page;
      const further = this.page.value.runs.slice(page.runs.length);
      for (const { run_id, status } of further) {
        if (status !== "running" || !touched.has(run_id)) continue;
        const run = await getRun(run_id, signal);
        this.page.value = updated(this.page.value, run);
      }
    });
    this.#looking.value = false;
  }

  async #ask(call: () => Promise<void>): Promise<void> {
    try {
      await call();
      this.problem.value = null;
    } catch (error) {
      if (!this.#abort.signal.aborted) this.problem.value = said(error);
    }
  }
}
