/**
 * One text being edited: what it grew from, what others made of the file meanwhile, and what is wrong with it.
 *
 * Whatever goes wrong, the text stays as the reader left it; it is replaced only while it has nothing unsaved in it.
 */
import { computed, effect, signal, untracked } from "@preact/signals";
import { ApiError } from "../api/client";
import { ABSENT, type Finding, type Revision } from "../api/files";
import type { Drafts } from "../drafts";
import { said } from "../shell/announce";
import type { Source, Written } from "./source";

/**
 * How an attempt to save ended. `faulty`: the text has errors, which are marked; `undecided`: it is being compared with
 * what others made of the file, and nobody said that it is to replace that.
 */
export type Outcome = "saved" | "faulty" | "conflict" | "undecided" | "failed";

/** What the reader wants although it may do harm: to save a text with errors, or over what others saved, as was seen. */
export interface Insistence {
  errors?: boolean;
  over?: Revision;
}

/** What is kept of a text that is not saved. */
export interface Draft {
  /** What the text grew from. */
  base: Revision;
  text: string;
  /** The script that ran the file when it was typed, where it does not any more. */
  script?: string;
}

export class Session {
  /** What the text grew from; null until it was read. */
  readonly base = signal<Revision | null>(null);
  readonly text = signal("");
  /** What is on disk, where that is neither the base nor the text. */
  readonly theirs = signal<Revision | null>(null);
  readonly comparing = signal(false);
  /** Null before the text was checked. */
  readonly findings = signal<readonly Finding[] | null>(null);
  /** What went wrong last. */
  readonly problem = signal<string | null>(null);
  /** The service refused the text for its faults, which are marked. */
  readonly refused = signal(false);
  /** What the reader should know of what was saved last. */
  readonly note = signal<string | null>(null);
  readonly saving = signal(false);
  /** What did not reach the service can be saved again, as the connection is back. */
  readonly isBack = signal(false);
  /** The script in whose place the text was typed, where it was taken from there. */
  readonly uprooted = signal<string | null>(null);
  /** What the reader typed earlier and never saved. */
  readonly left = signal<Draft | null>(null);

  readonly dirty = computed(() => this.base.value !== null && this.text.value !== this.base.value.text);
  readonly errors = computed(() => this.findings.value?.filter(({ severity }) => severity === "error").length ?? 0);

  readonly #source: Source;
  readonly #drafts: Drafts<Draft>;
  #opening = false;
  /** One more with every save, so that what was seen before it is not taken for news. */
  #turn = 0;
  /** The last attempt to save did not reach the service. */
  #unreached = false;

  constructor(source: Source, drafts: Drafts<Draft>) {
    this.#source = source;
    this.#drafts = drafts;
  }

  async open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    this.problem.value = null;
    try {
      const found = await this.#source.read();
      const { draft = null, resumes = false } = (await this.#drafts.get()) ?? {};
      if (draft && draft.text !== found.text) this.left.value = draft;
      this.text.value = found.text;
      this.base.value = found;
      this.uprooted.value = draft?.script ?? null;
      if (resumes || draft?.script !== undefined) this.takeUpDraft(); // the reader never left it
    } catch (error) {
      this.problem.value = said(error);
    } finally {
      this.#opening = false;
    }
  }

  /** What failed for want of a connection does not go on failing with it. */
  reconnected(): void {
    if (!this.base.value) void this.open();
    if (!this.#unreached) return;
    this.#unreached = false;
    this.problem.value = null;
    this.isBack.value = this.dirty.value;
  }

  /** Keep what is unsaved in the browser, until the returned function is called. */
  keepDrafts(): () => void {
    return effect(() => {
      const [base, text] = [this.base.value, this.text.value];
      if (!base || this.left.value) return;
      this.#drafts.set(this.dirty.value ? { base, text } : null);
    });
  }

  /** Whether what is unsaved would be there again after a reload. */
  get isKept(): boolean {
    return !this.left.value && this.#drafts.isKept();
  }

  /** Go on with what was left unsaved; others may have changed the file since. */
  takeUpDraft(): void {
    const [left, found] = [this.left.value, this.base.value];
    if (!left || !found) return;
    this.text.value = left.text;
    this.base.value = left.base;
    this.left.value = null;
    this.#see(found);
  }

  forgetDraft(): void {
    this.left.value = null;
  }

  /** Errors can be insisted on where the source takes them. */
  async save(insist: Insistence = {}): Promise<Outcome> {
    const compared = this.comparing.value ? this.theirs.value : null;
    if (compared && insist.over !== compared) return "undecided";
    const base = compared ?? this.base.value;
    if (!base || this.saving.value) return "failed";
    const text = this.text.value;
    this.saving.value = true;
    this.#turn += 1;
    this.problem.value = null;
    this.refused.value = this.isBack.value = this.#unreached = false;
    try {
      if (this.#source.takesErrors && !insist.errors) {
        await this.check();
        if (this.errors.value) return "faulty";
      }
      this.#written(text, await this.#source.write(text, base.etag));
      return "saved";
    } catch (error) {
      return await this.#refused(text, error);
    } finally {
      this.saving.value = false;
    }
  }

  #written(text: string, { etag, note }: Written): void {
    this.base.value = { text, etag };
    this.theirs.value = null;
    this.comparing.value = false;
    this.problem.value = null;
    this.note.value = note ?? null;
    this.uprooted.value = null;
    this.refused.value = this.isBack.value = this.#unreached = false;
  }

  async #refused(text: string, error: unknown): Promise<Outcome> {
    this.problem.value = said(error);
    if (!(error instanceof ApiError)) throw error;
    this.#unreached = error.status === 0;
    if (error.status === 422 && error.faults.length) {
      this.problem.value = null; // the text says the rest, where it is
      this.refused.value = true;
      this.findings.value = error.faults.map(({ line, message, language }) => ({
        line: line ?? 1, column: 1, severity: "error", message, ...(language ? { language } : {}),
      }));
      return "faulty";
    }
    if (error.status !== 412) return "failed";
    try {
      const found = await this.#source.read();
      if (found.text === text && found.etag !== null) {
        this.#written(text, { etag: found.etag }); // the answer to an earlier attempt was lost
        return "saved";
      }
      this.#see(found);
      this.comparing.value = this.theirs.value !== null;
      if (this.comparing.value) this.problem.value = null;
      return "conflict";
    } catch (failure) {
      this.problem.value = said(failure);
      return "failed";
    }
  }

  /** See whether the file is still what it was. Raises nothing: that the service is away is told elsewhere. */
  async look(): Promise<void> {
    const base = this.base.value;
    if (!base || this.saving.value) return;
    const turn = this.#turn;
    try {
      const etag = await this.#source.etag();
      if (turn !== this.#turn || etag === (this.theirs.value ?? base).etag) return;
      const found = etag === null ? ABSENT : etag === base.etag ? base : await this.#source.read();
      if (turn === this.#turn) this.#see(found);
    } catch (error) {
      if (!(error instanceof ApiError)) this.problem.value = said(error);
    }
  }

  /** The file holds `found`. */
  #see(found: Revision): void {
    const base = this.base.value!;
    if (found.etag === base.etag) {
      this.theirs.value = null;
      this.comparing.value = false;
    } else if (found.etag === null) {
      this.base.value = found; // the text is all that is left of it
      this.theirs.value = null;
      this.comparing.value = false;
    } else if (found.text === this.text.value || !this.dirty.value) {
      this.text.value = found.text;
      this.#written(found.text, { etag: found.etag });
    } else {
      this.theirs.value = found;
    }
  }

  /** Give up the text for what is on disk. */
  takeTheirs(): void {
    const theirs = this.theirs.value;
    if (!theirs?.etag) return;
    this.text.value = theirs.text;
    this.#written(theirs.text, { etag: theirs.etag });
  }

  /** Mark what is wrong with the text; where that cannot be found out, the marks stay as they are. */
  async check(): Promise<void> {
    const text = untracked(() => this.text.value);
    try {
      const findings = await this.#source.check(text);
      if (text === this.text.value) this.findings.value = findings;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
}
