import "./settings.css";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Fault } from "../api/client";
import { runScript } from "../api/scripts";
import { listFiles, listTemplates, type Template } from "../api/files";
import { draftsOf } from "../drafts";
import { state } from "../live/live";
import { go, guardLeaving } from "../route";
import { alarm, announce, said } from "../shell/announce";
import { useControlKeys } from "../shell/controlKeys";
import { LeftNotice } from "../editor/LeftNotice";
import { described } from "../editor/templates";
import { type KeptDraft, useDraft } from "../editor/useDraft";
import { useLoaded } from "../editor/useLoaded";
import { Creation, type NewFile, Refused } from "./creation";
import { canonical, type Draft, draftOf } from "./entry";
import { focusFault, keyOf } from "./faults";
import { type Fields, Homeless, Labelled, PLAIN, Text } from "./Field";
import { untilShown } from "./known";
import { takeRescued } from "./rescue";
import { Schedule, zoneOf } from "./Schedule";
import { Bounds, Command, Failure, Look, Section, Surroundings } from "./Sections";
import { useServiceSettings } from "./service";
import { useUnsaved } from "./unsaved";
import { duplicates } from "./useSettings";
import { words } from "./words";
import { isZone } from "./zone";

const BEGINNING = draftOf({ every: "1h" });
/** Of the draft. */
const ADDRESS = "new";
const NOTHING_WRONG = new Refused("");

/** The file of a script that is made of a template; as long as it is not named, it is called like the script. */
interface File {
  readonly path: string | null;
  readonly text: string;
}

/** What is kept of a script that is not created yet. */
interface Left {
  readonly draft: Draft;
  readonly template: Template | null;
  readonly file: File;
  /** What the script was called that it is to be in the place of. */
  readonly of: string | null;
}

/** A name, what runs, and when: more is not needed for a script. */
export function NewScript() {
  const t = words();
  const service = useServiceSettings();
  const templates = useLoaded(listTemplates, []);
  const [rescued] = useState(takeRescued);
  const [of, setOf] = useState(rescued?.name ?? null);
  const [draft, setDraft] = useState(rescued ? draftOf(rescued.entry) : BEGINNING);
  const [template, setTemplate] = useState<Template | null>(null);
  const [file, setFile] = useState<File>({ path: null, text: "" });
  const path = template && (file.path ?? defaultPath(draft.name, template));
  const isChanged = template !== null || canonical(draft) !== canonical(BEGINNING);
  const takeUp = (left: Left) => {
    setOf(left.of);
    setDraft(left.draft);
    setTemplate(left.template);
    setFile(left.file);
  };
  const kept = useDraft<Left>(ADDRESS, isChanged ? { draft, template, file, of } : null, true, takeUp);
  const { create, busy, problem, root, forgive } = useCreation(isChanged, kept);

  const attempt = (run: boolean) =>
    void create(draft, path === null ? null : { path: path.trim(), text: file.text }, run);
  useControlKeys({ s: () => attempt(false) });
  useEffect(() => {
    requestAnimationFrame(() => document.getElementById("field-name")?.focus());
  }, []);

  const fields: Fields = {
    draft,
    type(typed) {
      setDraft((before) => ({ ...before, ...typed }));
      forgive("when" in typed ? ["every", "cron", "at"] : Object.keys(typed));
    },
    faults: (key) => problem.faults.filter((fault) => keyOf(fault) === key),
    isTouched: () => false,
  };
  const typeFile = (typed: Partial<File>) => {
    setFile({ ...file, ...typed });
    forgive(["file"]);
  };
  const known = service && isZone(service.timezone) ? service.timezone : null;
  return (
    <form
      ref={root}
      class="settings new"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        attempt(false);
      }}
    >
      <div>
        <h1>{t.newTitle}</h1>
        <p class="note">{t.newIntro}</p>
      </div>
      {of !== null && <p class="notice">{t.rescued(of)}</p>}
      <Section title={t.sections.runs}>
        <Text fields={fields} field="name" placeholder={t.namePlaceholder} help={t.newName} mono class="wide" />
        <Beginnings
          offered={templates.value ?? []}
          problem={templates.problem}
          chosen={template}
          onChoose={(chosen) => {
            setTemplate(chosen);
            setFile({ path: null, text: chosen?.content ?? "" });
          }}
        />
        {template && path !== null ? (
          <FileOf fields={fields} path={path} text={file.text} onType={typeFile} />
        ) : (
          <Command fields={fields} />
        )}
      </Section>
      <Section title={t.sections.when}>
        <Schedule
          fields={fields}
          zone={zoneOf(draft.timezone, { typed: "", zone: known })}
          zonePlaceholder={t.ofService(service?.timezone ?? t.serviceZone)}
          nextStart={null}
          isNew
        />
      </Section>
      <details class="more">
        <summary>{t.more}</summary>
        <Section title={t.sections.look}>
          <Look fields={fields} service={service} />
        </Section>
        <Section title={t.sections.limits}>
          <Bounds fields={fields} />
          <Text fields={fields} field="jitter" placeholder="0s" />
        </Section>
        <Section title={t.sections.failure}>
          <Failure fields={fields} ageLimit={null} />
        </Section>
        <Section title={t.fields.env}>
          <Surroundings fields={fields} />
        </Section>
      </details>
      <div class="save bar-of">
        <div class="left" role="status">
          {kept.isLeft && <LeftNotice onTake={kept.takeUp} onForget={kept.forget} />}
        </div>
        <div class="what" role="alert">
          {problem.message && <p class="problem">{problem.message}</p>}
          <Homeless faults={problem.faults} />
        </div>
        <div class="bar-of">
          <button type="button" disabled={busy} onClick={() => attempt(true)}>
            {t.createAndRun}
          </button>
          <button type="submit" class="main" disabled={busy}>
            {busy ? t.creating : t.create}
          </button>
        </div>
      </div>
    </form>
  );
}

/** Creating the script, what went wrong with it, and the way on from there. `isChanged`: something would be lost. */
function useCreation(isChanged: boolean, kept: KeptDraft) {
  const root = useRef<HTMLFormElement>(null);
  const creation = useRef(new Creation());
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(NOTHING_WRONG);
  const guarded = useRef(false);
  guarded.current = isChanged;
  useUnsaved(isChanged);
  const done = useRef(false);
  const isKept = useRef(kept.isKept);
  isKept.current = kept.isKept;
  useEffect(
    () =>
      guardLeaving(
        () => (guarded.current && !done.current ? words().leaveNew : null),
        () => isKept.current(),
      ),
    [],
  );
  const [attempts, setAttempts] = useState(0);
  useEffect(() => focusFault(root.current!, problem.faults), [attempts]);

  async function create(draft: Draft, file: NewFile | null, run: boolean): Promise<void> {
    if (busy) return;
    const faults = [...nameFaults(draft.name.trim()), ...duplicates(draft)];
    if (faults.length) return refuse(new Refused(words().faults, faults));
    setBusy(true);
    setProblem(NOTHING_WRONG);
    try {
      await leave(await creation.current.create(draft, file), run);
    } catch (error) {
      refuse(error instanceof Refused ? error : new Refused(said(error)));
    } finally {
      setBusy(false);
    }
  }

  function refuse(problem: Refused): void {
    setProblem(problem);
    setAttempts((attempts) => attempts + 1);
  }

  async function leave(name: string, run: boolean): Promise<void> {
    done.current = true;
    draftsOf(ADDRESS).set(null);
    announce(words().created(name));
    const started = run && (await runScript(name).catch((error: unknown) => void alarm(words().runNot(said(error)))));
    await untilShown(name);
    go({ page: "script", name, ...(started ? { tab: "output", run: started } : { tab: "runs" }) });
  }

  return {
    root,
    busy,
    problem,
    create,
    /** These are being mended. */
    forgive(keys: readonly string[]) {
      setProblem(({ message, faults }) => {
        const left = faults.filter((fault) => !keys.includes(keyOf(fault)));
        return faults.length && !left.length ? NOTHING_WRONG : new Refused(message, left);
      });
    },
  };
}

/** What can be known to be wrong with a name before a file is written. */
function nameFaults(name: string): Fault[] {
  const message = !name ? words().needsName : state.value.rows?.has(name) ? words().nameTaken(name) : null;
  return message === null ? [] : [{ pointer: "#/name", message }];
}

/** A command, or one of the templates; their names and descriptions in the page's language where it knows them. */
function Beginnings({ offered, problem, chosen, onChoose }: BeginningsProps) {
  const t = words();
  const all = [null, ...offered];
  return (
    <div class="field wide" role="radiogroup" aria-labelledby="beginnings">
      <span class="label" id="beginnings">
        {t.whatRuns}
      </span>
      <div class="beginnings">
        {all.map((template) => {
          const own = { name: t.own, description: t.ownNote, lang: undefined };
          const { name, description, lang } = template ? described(template) : own;
          return (
            <label key={name} class="beginning">
              <input type="radio" name="beginning" checked={chosen?.name === template?.name} onChange={() => onChoose(template)} />
              <span lang={lang}>
                <b>{name}</b>
                <span class="note">{description}</span>
              </span>
            </label>
          );
        })}
      </div>
      {problem !== null && <p class="problem">{problem}</p>}
    </div>
  );
}

interface BeginningsProps {
  offered: readonly Template[];
  problem: string | null;
  /** Null: a command. */
  chosen: Template | null;
  onChoose(chosen: Template | null): void;
}

interface FileProps {
  fields: Fields;
  path: string;
  text: string;
  onType(typed: Partial<File>): void;
}

/** The file that is made of a template. */
function FileOf({ fields, path, text, onType }: FileProps) {
  const t = words();
  const folder = useLoaded(listFiles, []).value?.folder ?? "scripts_dir";
  return (
    <>
      <Labelled fields={fields} field="command" part="file" label={t.file} help={t.fileHelp(folder)} class="wide">
        {(control) => (
          <input
            {...control}
            {...PLAIN}
            type="text"
            class="mono"
            value={path}
            onInput={(event) => onType({ path: event.currentTarget.value })}
          />
        )}
      </Labelled>
      <details class="wide">
        <summary>{t.content}</summary>
        <textarea
          class="mono"
          aria-label={t.content}
          spellcheck={false}
          rows={Math.min(30, text.split("\n").length + 1)}
          value={text}
          onInput={(event) => onType({ text: event.currentTarget.value })}
        />
      </details>
    </>
  );
}

/** Such as `backup.sh` for a script that is called `backup`. */
function defaultPath(name: string, { file_name }: Template): string {
  const suffix = /\.[a-z]+$/.exec(file_name)?.[0] ?? "";
  return name.trim() ? name.trim() + suffix : file_name;
}
