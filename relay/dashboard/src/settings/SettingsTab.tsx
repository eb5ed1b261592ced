import "./settings.css";
import { useEffect, useRef, useState } from "preact/hooks";
import { deleteScript } from "../api/scripts";
import type { ScriptRow } from "../live/store";
import type { TabProps } from "../script/ScriptPage";
import { go } from "../route";
import { useAction } from "../shell/action";
import { announce } from "../shell/announce";
import { useControlKeys } from "../shell/controlKeys";
import { Question } from "../ui/Question";
import { LeftNotice } from "../editor/LeftNotice";
import { Loading } from "../editor/Loading";
import { draftOf, type Field } from "./entry";
import { focusFault, keyOf } from "./faults";
import { undecided } from "./form";
import { type Fields, Homeless, Text } from "./Field";
import { Schedule, zoneOf } from "./Schedule";
import { Bounds, Command, Failure, Look, Section, Surroundings } from "./Sections";
import { untilShown } from "./known";
import { useServiceSettings } from "./service";
import { tell } from "./tell";
import { useSettings } from "./useSettings";
import { words } from "./words";
import { YamlText } from "./YamlText";

/** Everything that the configuration file says of a script, to be changed by a form or as text. */
export function SettingsTab({ row }: TabProps) {
  const t = words();
  const settings = useSettings(row.name);
  const { form, text, note } = settings;
  useControlKeys({ s: () => void settings.save() });
  const root = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (!settings.attempts) return;
    if (settings.isContested) root.current!.querySelector(".contest")?.scrollIntoView({ block: "center" });
    else focusFault(root.current!, settings.faults);
  }, [settings.attempts]);

  if (!form) {
    return <Loading problem={note} reload={() => void settings.read()} />;
  }
  return (
    <form
      ref={root}
      class="settings"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void settings.save();
      }}
    >
      <div class="bar-of views" role="group" aria-label={t.view}>
        <button type="button" aria-pressed={!text} onClick={() => text && settings.showForm()}>
          {t.form}
        </button>
        <button type="button" aria-pressed={!!text} onClick={() => text || void settings.showText()}>
          {t.yaml}
        </button>
      </div>
      {text ? <YamlText settings={settings} text={text} /> : <FormOf row={row} settings={settings} />}
      <SaveBar settings={settings} />
      <Deletion row={row} etag={form.etag} onLeave={settings.leave} />
    </form>
  );
}

export type Settings = ReturnType<typeof useSettings>;

function FormOf({ row, settings }: { row: ScriptRow; settings: Settings }) {
  const t = words();
  const service = useServiceSettings();
  const { base, draft } = settings.form!;
  const contested = new Set(undecided(settings.form!));
  const touched = new Set(settings.touched);
  const fields: Fields = {
    draft,
    type: settings.type,
    faults: (key) => settings.faults.filter((fault) => keyOf(fault) === key),
    isTouched: (field) => touched.has(field),
    contest: (field) => contested.has(field) && <Contest field={field} settings={settings} />,
  };
  const known = draftOf(base);
  const zone = zoneOf(draft.timezone, { typed: known.timezone, zone: row.schedule.timezone });
  const ofService = known.timezone ? (service?.timezone ?? t.serviceZone) : row.schedule.timezone;
  const rest = Object.keys(draft.rest);
  return (
    <>
      <Section title={t.sections.runs} note={t.notes.runs}>
        <Command fields={fields} />
        <Surroundings fields={fields} />
      </Section>
      <Section title={t.sections.when} note={t.notes.when}>
        <Schedule fields={fields} zone={zone} zonePlaceholder={t.ofService(ofService)} nextStart={row.nextStart} />
      </Section>
      <Section title={t.sections.limits} note={t.notes.limits}>
        <Bounds fields={fields} />
      </Section>
      <Section title={t.sections.failure} note={t.notes.failure}>
        <Failure fields={fields} ageLimit={known.success_age_limit ? null : row.successAgeLimit} />
      </Section>
      <Section title={t.sections.look} note={t.notes.look}>
        <Text fields={fields} field="name" mono class="wide" />
        <Look fields={fields} service={service} />
      </Section>
      {rest.length > 0 && (
        <p class="notice">
          {t.restNote} <span class="mono">{rest.join(", ")}</span>
        </p>
      )}
    </>
  );
}

/** What someone else made of a field in which something was typed, and whose it is to be. */
function Contest({ field, settings }: { field: Field; settings: Settings }) {
  const t = words();
  return (
    <div class="contest">
      <p>
        {t.elsewhere} <span class="mono">{tell(field, draftOf(settings.form!.base)) || t.empty}</span>
      </p>
      <div class="bar-of">
        <button type="button" onClick={() => settings.decide(field, "theirs")}>
          {t.take}
        </button>
        <button type="button" onClick={() => settings.decide(field, "mine")}>
          {t.keep}
        </button>
      </div>
    </div>
  );
}

/** What is not saved yet, and what keeps it from being so; it stays in view. */
function SaveBar({ settings }: { settings: Settings }) {
  const t = words();
  const { touched, isChanged, isBack, text, note, faults, saving, kept } = settings;
  return (
    <div class={`save bar-of ${isChanged ? "unsaved" : ""}`}>
      <div class="left" role="status">
        {kept.isLeft && <LeftNotice onTake={kept.takeUp} onForget={kept.forget} />}
      </div>
      <div class="what">
        {!isChanged && !kept.isLeft && <span class="note">{t.unchanged}</span>}
        {isChanged && (
          <span>
            <b>{t.unsaved(String(text ? 1 : touched.length))}</b>
            {!text && <span class="note line"> {touched.map((field) => t.fields[field]).join(", ")}</span>}
          </span>
        )}
        <div role="alert">
          {note !== null && <p class="problem">{note}</p>}
          {!text && <Homeless faults={faults} />}
        </div>
        <div role="status">{isBack && isChanged && <p class="note">{t.isBack}</p>}</div>
      </div>
      <div class="bar-of">
        <button type="button" disabled={!isChanged || saving} onClick={settings.discard}>
          {t.discard}
        </button>
        <button type="submit" class="main" disabled={!isChanged || saving} title="Ctrl+S">
          {saving ? t.saving : t.save}
        </button>
      </div>
    </div>
  );
}

function Deletion({ row, etag, onLeave }: { row: ScriptRow; etag: string; onLeave(isLeaving: boolean): void }) {
  const t = words();
  const [asking, setAsking] = useState(false);
  const remove = useAction(async () => {
    onLeave(true); // the script may be known to be gone before the answer comes
    try {
      await deleteScript(row.name, etag);
    } catch (error) {
      onLeave(false);
      throw error;
    }
    await untilShown(row.name, false);
    announce(t.removed(row.name));
    go({ page: "overview" });
  });
  return (
    <section class="card group deletion" aria-labelledby="deletion">
      <div class="heading">
        <h2 id="deletion">{t.danger}</h2>
      </div>
      <div class="bar-of spread">
        <p class="note">{t.dangerNote}</p>
        <button type="button" class="danger" onClick={() => setAsking(true)}>
          {t.remove}
        </button>
      </div>
      {asking && (
        <Question
          title={t.removeTitle(row.name)}
          answer={t.removeNow}
          busy={remove.busy}
          onClose={() => setAsking(false)}
          onAnswer={async () => (await remove.go()) || setAsking(false)}
        >
          <p>
            {t.removeText} {row.runs.length > 0 && t.removeRunning}
          </p>
        </Question>
      )}
    </section>
  );
}
