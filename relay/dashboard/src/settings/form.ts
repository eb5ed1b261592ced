/** A draft of a script's entry, and what becomes of it when the entry changes elsewhere meanwhile. */
import { changes, type Draft, draftOf, type Entry, type Field, FIELDS, same } from "./entry";

export interface Form {
  /** The entry as the service has it, as far as is known. */
  readonly base: Entry;
  /** Says which state of the entry `base` is. */
  readonly etag: string;
  readonly draft: Draft;
  /** Fields that someone else has changed to another value than the one typed here, and that nobody decided on yet. */
  readonly contested: ReadonlySet<Field>;
}

export function opened(base: Entry, etag: string): Form {
  return { base, etag, draft: draftOf(base), contested: new Set() };
}

/** Fields in which the draft says something else than the service knows. */
export function touched({ base, draft }: Form): Field[] {
  const before = draftOf(base);
  return FIELDS.filter((field) => !same(field, before, draft));
}

export function typed(form: Form, typed: Partial<Draft>): Form {
  return { ...form, draft: { ...form.draft, ...typed } };
}

/** The entry is another one by now: what was typed stays, and the rest follows. `followed` are those fields that do. */
export function arrived(form: Form, entry: Entry, etag: string): { form: Form; followed: Field[] } {
  const [before, after] = [draftOf(form.base), draftOf(entry)];
  const news = FIELDS.filter((field) => !same(field, before, after));
  const mine = (field: Field) => !same(field, before, form.draft);
  const contested = [...form.contested, ...news.filter(mine)].filter((field) => !same(field, form.draft, after));
  return {
    form: { base: entry, etag, draft: rebased(form.draft, before, after), contested: new Set(contested) },
    followed: news.filter((field) => !mine(field)),
  };
}

/** `sent` was saved and is `entry` now; what was typed since stays. */
export function saved(form: Form, sent: Draft, entry: Entry, etag: string): Form {
  return { base: entry, etag, draft: rebased(form.draft, sent, draftOf(entry)), contested: new Set() };
}

/** The reader decides on a contested field; `theirs` also gives up what was typed. */
export function decided(form: Form, field: Field, whose: "mine" | "theirs"): Form {
  const contested = new Set([...form.contested].filter((each) => each !== field));
  const draft = whose === "mine" ? form.draft : { ...form.draft, [field]: draftOf(form.base)[field] };
  return { ...form, draft, contested };
}

/** Contested fields in which saving would undo what someone else did. */
export function undecided(form: Form): Field[] {
  return touched(form).filter((field) => form.contested.has(field));
}

/** What to send, for the changes alone to be made. */
export function patchOf({ base, draft }: Form): Record<string, unknown> {
  return changes(base, draft);
}

/** `draft` with what `after` says in those fields where it says what `before` does. */
function rebased(draft: Draft, before: Draft, after: Draft): Draft {
  const following = FIELDS.filter((field) => same(field, draft, before) && !same(field, draft, after));
  return { ...draft, ...Object.fromEntries(following.map((field) => [field, after[field]])) };
}
