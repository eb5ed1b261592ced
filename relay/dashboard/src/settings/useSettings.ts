import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, type Fault } from "../api/client";
import { changeScript, readScript, replaceScript } from "../api/scripts";
import { draftsOf } from "../drafts";
import { latest, onFrame } from "../live/live";
import { go, guardLeaving, replace } from "../route";
import { announce, said, whisper } from "../shell/announce";
import { onReconnection } from "../editor/reconnection";
import { useDraft } from "../editor/useDraft";
import { canonical, type Draft, draftOf, type Entry, entryOf, type Field, unsendable } from "./entry";
import { keyOf } from "./faults";
import { arrived, decided, type Form, opened, patchOf, saved, touched, typed, undecided } from "./form";
import { untilShown } from "./known";
import { rescue } from "./rescue";
import { useUnsaved } from "./unsaved";
import { words } from "./words";

type Yaml = typeof import("./yaml");

/** The entry as text, while the reader works on that. */
export interface Text {
  readonly text: string;
  /** The text that the form made: as long as it is the same, it follows the form. */
  readonly made: string;
  /** The entry that it grew from: where the form has another one, that was changed elsewhere since. */
  readonly base: Entry;
}

interface State {
  readonly form: Form | null;
  readonly text: Text | null;
  readonly faults: readonly Fault[];
  /** What is to be said of the whole. */
  readonly note: string | null;
  /** What did not reach the service can be saved again, as the connection is back. */
  readonly isBack: boolean;
  readonly saving: boolean;
  /** How often the reader tried to save in vain: each time, the first fault is to be looked at. */
  readonly attempts: number;
}

/** What is kept of settings that are not saved. */
interface Left {
  readonly form: Omit<Form, "contested"> & { readonly contested: readonly Field[] };
  readonly text: Text | null;
}

const NOTHING: State = { form: null, text: null, faults: [], note: null, isBack: false, saving: false, attempts: 0 };

/** The settings of one script: what stands in the file, what the reader types, and how the one becomes the other. */
export function useSettings(name: string) {
  const [, draw] = useState({});
  const state = useRef(NOTHING);
  const yaml = useRef<Yaml | null>(null);
  const leaving = useRef(false);
  const isHere = useRef(true);
  const asked = useRef(0);
  /** The last attempt to save did not reach the service. */
  const unreached = useRef(false);
  const set = (changed: Partial<State>) => {
    state.current = { ...state.current, ...changed };
    draw({});
  };

  /** Ask what the service has, and follow where nothing was typed. */
  async function read(): Promise<void> {
    const question = (asked.current += 1);
    try {
      const { value, etag } = await readScript(name);
      if (question !== asked.current) return; // there is a later one, or its answer
      const { form, text } = state.current;
      if (!form) return set({ form: opened(value.config, etag), note: null });
      const next = arrived(form, value.config, etag);
      set({ form: next.form, text: text && followed(text, next.form) });
      if (isContested() && !text) set({ note: words().conflict });
      if (next.followed.length && !(isContested() && text)) announce(words().followed(next.followed.map((field) => words().fields[field]).join(", ")));
    } catch (error) {
      if (!state.current.form) set({ note: said(error) });
    }
  }

  function followed(text: Text, form: Form): Text {
    const { base } = form;
    const made = yaml.current!.toYaml(entryOf(base, form.draft));
    if (text.text === text.made) return { text: made, made, base };
    return made === text.made ? { ...text, base } : text;
  }

  /** Saving would undo what someone else did, and the reader has not said that it shall. */
  function isContested(): boolean {
    const { form, text } = state.current;
    return form !== null && (text ? text.base !== form.base : undecided(form).length > 0);
  }

  function decideFirst(): void {
    set({ note: words().decideFirst, attempts: state.current.attempts + 1 });
  }

  useEffect(() => {
    void read();
    return onFrame(({ type, data }) => {
      const script =
        type === "script_changed" && data.op !== "deleted" && data.script.name === name ? data.script
        : type === "snapshot" ? data.scripts.find((each) => each.name === name)
        : undefined;
      if (script && !state.current.saving && canonical(script.config) !== canonical(state.current.form?.base)) void read();
    });
  }, [name]);

  useEffect(
    () =>
      onReconnection(() => {
        if (!state.current.form) return void read();
        if (unreached.current) set({ note: null, isBack: true });
        unreached.current = false;
      }),
    [name],
  );

  const { form, text } = state.current;
  const fields = form ? touched(form) : [];
  const isChanged = text && form ? text.text !== yaml.current!.toYaml(form.base) : fields.length > 0;
  const changed = useRef(false);
  changed.current = isChanged;
  useUnsaved(isChanged);
  const unsaved = form && isChanged && !leaving.current ? { form: { ...form, contested: [...form.contested] }, text } : null;
  const kept = useDraft<Left>(addressOf(name), unsaved, form !== null, takeUp);
  const isKept = useRef(kept.isKept);
  isKept.current = kept.isKept;
  useEffect(() => {
    const release = guardLeaving(
      () => (changed.current && !leaving.current ? words().leave : null),
      () => isKept.current(),
    );
    return () => {
      isHere.current = false;
      release();
      if (!state.current.saving) takeAlong();
    };
  }, [name]);

  /** Go on with what was left; the entry may have been changed since. */
  async function takeUp({ form, text }: Left): Promise<void> {
    yaml.current ??= text && (await import("./yaml"));
    const now = state.current.form!;
    const next = arrived({ ...form, contested: new Set(form.contested) }, now.base, now.etag).form;
    const isCurrent = text !== null && canonical(text.base) === canonical(now.base);
    set({ form: next, text: isCurrent ? { ...text, base: next.base } : text });
    if (isContested() && !text) set({ note: words().conflict });
  }

  /** Where the script is gone, what was typed goes to the page for new ones. */
  function takeAlong(): void {
    const isGone = latest.value.rows?.has(name) === false;
    if (!isGone || !changed.current || leaving.current) return;
    rescue({ name, entry: whole(state.current, yaml.current) });
    draftsOf(addressOf(name)).set(null);
    go({ page: "new" });
  }

  async function save(): Promise<void> {
    const { form, text, saving } = state.current;
    if (!form || saving || !changed.current) return;
    if (isContested()) return decideFirst();
    const sent = form.draft;
    const faults = text ? yaml.current!.fromYaml(text.text).faults : duplicates(sent);
    if (faults.length) return refused(faults);
    unreached.current = false;
    set({ saving: true, faults: [], note: null, isBack: false });
    try {
      const { value, etag } = text
        ? await replaceScript(name, yaml.current!.fromYaml(text.text).entry, form.etag)
        : await changeScript(name, patchOf(form), form.etag);
      // An answer that is under way may be older than this one.
      asked.current += 1;
      // What was typed while the answer was under way stays.
      const now = saved(state.current.form!, text ? state.current.form!.draft : sent, value.config, etag);
      set({ form: now, text: text && afterSaving(text, state.current.text!, value.config), saving: false });
      whisper(words().saved(value.name));
      if (value.name !== name) return await follow(value.name);
    } catch (error) {
      set({ saving: false });
      if (!isHere.current) return takeAlong();
      explain(error);
    }
    await read(); // what was changed elsewhere meanwhile
  }

  function afterSaving(sent: Text, now: Text, entry: Entry): Text {
    const made = yaml.current!.toYaml(entry);
    return { text: now.text === sent.text ? made : now.text, made, base: entry };
  }

  /** The script is called otherwise now. */
  async function follow(renamed: string): Promise<void> {
    leaving.current = true;
    await untilShown(renamed);
    await untilShown(name, false);
    replace({ page: "script", name: renamed, tab: "settings" });
  }

  function explain(error: unknown): void {
    if (!(error instanceof ApiError)) throw error;
    unreached.current = error.status === 0;
    if (error.status === 412) return set({ note: state.current.text ? null : words().merged });
    if (error.status === 422 && error.faults.length) return refused(error.faults);
    const isAboutName = error.status === 409 && !state.current.text && patchOf(state.current.form!)["name"] !== undefined;
    if (isAboutName) refused([{ pointer: "#/name", message: error.message }]);
    else set({ note: error.message });
  }

  function refused(faults: readonly Fault[]): void {
    set({ faults, note: words().faults, attempts: state.current.attempts + 1 });
  }

  return {
    ...state.current,
    faults: told(state.current, yaml.current),
    touched: fields,
    isChanged,
    isContested: isContested(),
    read,
    save,
    /** Whether what was typed is not missed any more. */
    leave: (is: boolean) => {
      leaving.current = is;
      draw({});
    },
    kept,
    type(some: Partial<Draft>) {
      const gone = "when" in some ? ["every", "cron", "at"] : Object.keys(some);
      set({
        form: typed(state.current.form!, some),
        faults: state.current.faults.filter((fault) => !gone.includes(keyOf(fault))),
      });
    },
    decide(field: Field, whose: "mine" | "theirs") {
      const form = decided(state.current.form!, field, whose);
      set({ form, ...(form.contested.size ? {} : { note: null }) });
    },
    discard() {
      const form = opened(state.current.form!.base, state.current.form!.etag);
      const made = state.current.text && yaml.current!.toYaml(form.base);
      set({ form, text: made === null ? null : { text: made, made, base: form.base }, faults: [], note: null, isBack: false });
    },
    typeText: (changed: string) => set({ text: { ...state.current.text!, text: changed }, faults: [] }),
    keepText: () => set({ text: { ...state.current.text!, base: state.current.form!.base }, note: null }),
    async showText() {
      if (isContested()) return decideFirst();
      const faults = duplicates(state.current.form!.draft);
      if (faults.length) return refused(faults);
      yaml.current = await import("./yaml");
      const { base, draft } = state.current.form!;
      const made = yaml.current.toYaml(entryOf(base, draft));
      set({ text: { text: made, made, base }, faults: [], note: null });
    },
    showForm() {
      const text = state.current.text!;
      const { entry, faults } = yaml.current!.fromYaml(text.text);
      if (!entry) return refused(faults);
      const { base, etag } = state.current.form!;
      const form = typed(opened(text.base, etag), draftOf(entry));
      set({ form: text.base === base ? form : arrived(form, base, etag).form, text: null, faults: [], note: null });
      if (isContested()) set({ note: words().conflict });
    },
    lineOf: ({ line, pointer }: Fault) => line ?? yaml.current!.fromYaml(state.current.text!.text).lineOf(pointer ?? ""),
  };
}

/** Of the drafts of a script's settings. */
function addressOf(name: string): string {
  return `settings/${name}`;
}

/** What is at fault; of a text that is no entry it is told anew, in the language that the page has now. */
function told({ text, faults }: State, yaml: Yaml | null): readonly Fault[] {
  const parsed = text && faults.length ? yaml!.fromYaml(text.text) : null;
  return parsed && !parsed.entry ? parsed.faults : faults;
}

/** What is typed, as an entry. */
function whole({ form, text }: State, yaml: Yaml | null): Entry {
  const { base, draft } = form!;
  return (text && yaml!.fromYaml(text.text).entry) ?? entryOf(base, draft);
}

/** What the service could not tell of, as it would never see it. */
export function duplicates(draft: Draft): Fault[] {
  return unsendable(draft).map(({ key, name }) => ({
    pointer: name ? `#/${key}/${encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"))}` : `#/${key}`,
    message: name ? words().twice(name) : words().unnamed,
  }));
}
