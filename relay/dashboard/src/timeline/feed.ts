/** Fills the timeline's collection: the last day from the history, then what the stream tells. */
import { effect, signal } from "@preact/signals";
import { type Planned, plannedStarts } from "../api/planned";
import { getRun, listRuns } from "../api/runs";
import type { Frame } from "../events";
import { clock } from "../live/clock";
import { latest, onFrame, paused } from "../live/live";
import type { State } from "../live/store";
import { said } from "../shell/announce";
import { Collection, fromRecord, fromSkip, fromStatus } from "./collection";
import { AHEAD, PAST } from "./view";

/** Runs that are asked for; more of them nobody can tell apart. */
const MOST = 20_000;
const PAGE = 1_000;
/** Planned starts of a script that are asked for; those that follow are a band. */
const STARTS = 60;
/** What is planned is asked for anew after so many milliseconds, as what is 6 hours ahead moves on. */
const PLANNED_ANEW = 5 * 60_000;
/** Changes of scripts within so many milliseconds are looked at together. */
const TOGETHER = 500;
/** Frames may come late by so many milliseconds. */
const LATE = 60_000;

export class Feed {
  readonly runs = new Collection();
  planned: ReadonlyMap<string, Planned> = new Map();
  /** Up to when what is planned was asked for. */
  horizon = 0;
  readonly loading = signal(true);
  /** Runs before this time are not here, though there are some. */
  readonly cutAt = signal<number | null>(null);
  readonly problem = signal<string | null>(null);
  readonly #abort = new AbortController();
  readonly #changed: () => void;
  /** Scripts whose logs may have been deleted. */
  readonly #doubtful = new Set<string>();
  #heardAt = clock.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `changed` is called whenever there is something else to draw. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Begin to ask and to listen; until the function that is returned is called. */
  start(): () => void {
    const ignore = onFrame((frame) => paused.value || this.#hear(frame));
    let stood = paused.value;
    const stop = effect(() => {
      if (stood && !paused.value) this.#catchUp(new Set(running(latest.peek())));
      stood = paused.value;
    });
    void this.#ask(() => this.#load(clock.now() - PAST)).then(() => (this.loading.value = false));
    this.#planAnew(0);
    return () => {
      ignore();
      stop();
      clearTimeout(this.#timer);
      this.#abort.abort();
    };
  }

  #hear(frame: Frame): void {
    const { type, data } = frame;
    if (type === "script_status") {
      const run = fromStatus(data);
      if (run) this.runs.add(run);
    } else if (type === "run_skipped") this.runs.add(fromSkip(data));
    else if (type === "script_changed") {
      if (data.op === "updated") this.#doubtful.add(data.script.name);
      this.#planAnew(TOGETHER);
    }
    else if (type === "snapshot") {
      data.active_runs.forEach((run) => this.runs.add(fromRecord(run)));
      this.#catchUp(new Set(data.active_runs.map(({ run_id }) => run_id)));
    } else return;
    this.#heardAt = Date.parse(frame.timestamp);
    this.#changed();
  }

  /** Frames have been missed: ask what happened since the last one. `active` are the runs under way now. */
  #catchUp(active: ReadonlySet<string>): void {
    const since = this.#heardAt - LATE;
    const over = this.runs.open.filter(({ id }) => !active.has(id));
    void this.#ask(async () => {
      await this.#load(since);
      for (const { id } of over) this.runs.add(fromRecord(await getRun(id, this.#abort.signal)));
      this.#changed();
    });
  }

  /** The runs since a time, latest first and as many as there is room for. */
  async #load(since: number): Promise<void> {
    const filter = { since: new Date(since).toISOString() };
    let before: string | undefined;
    for (let asked = 0; asked < MOST; asked += PAGE) {
      const { runs, next } = await listRuns(filter, { limit: PAGE, before }, this.#abort.signal);
      runs.forEach((run) => this.runs.add(fromRecord(run)));
      this.#changed();
      if (next === null) return;
      before = next;
      const last = fromRecord(runs.at(-1)!);
      if (asked + PAGE >= MOST) this.cutAt.value = last.start;
    }
  }

  async #keepRecorded(): Promise<void> {
    const scripts = [...this.#doubtful];
    this.#doubtful.clear();
    for (const script of scripts) {
      const heard = new Set((this.runs.lanes.get(script) ?? []).map(({ id }) => id));
      const from = clock.now() - PAST;
      const filter = { script, since: new Date(from).toISOString() };
      const { runs, next } = await listRuns(filter, { limit: PAGE }, this.#abort.signal);
      const recorded = runs.map(fromRecord);
      const meanwhile = (this.runs.lanes.get(script) ?? []).filter(({ id }) => !heard.has(id));
      const known = new Set([...recorded, ...meanwhile].map(({ id }) => id));
      this.runs.keep(script, known, next === null ? from : (recorded.at(-1)?.start ?? from));
    }
  }

  #planAnew(wait: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      await this.#ask(async () => {
        const until = clock.now() + AHEAD;
        const all = await plannedStarts({ until, limit: STARTS }, this.#abort.signal);
        this.planned = new Map(all.map((each) => [each.name, each]));
        this.horizon = until;
        await this.#keepRecorded();
        this.runs.forget(clock.now() - PAST);
        this.#changed();
      });
      if (!this.#abort.signal.aborted) this.#planAnew(PLANNED_ANEW);
    }, wait);
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

/** The ids of the runs under way. */
function running({ rows }: State): string[] {
  return [...(rows?.values() ?? [])].flatMap((row) => row.runs.map(({ id }) => id));
}
