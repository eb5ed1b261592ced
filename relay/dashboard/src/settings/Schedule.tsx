import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import type { Fault } from "../api/client";
import type { PreviewQuery } from "../api/schedule";
import { clock, useTick } from "../live/clock";
import { countdown, moment } from "../text/format";
import { locale } from "../text/language";
import { type Draft, type Kind, KINDS, type When } from "./entry";
import { keyOf, textOf } from "./faults";
import { type Fields, Labelled, PLAIN, Text } from "./Field";
import { intervalOf, milliseconds, type Unit, UNITS } from "./interval";
import { type Previewed, usePreview } from "./preview";
import { clocksDiffer, type Start, starts } from "./starts";
import { words } from "./words";
import { instantOf, isZone, readersZone, wallTime } from "./zone";

interface Props {
  fields: Fields;
  /** IANA name of the time zone that holds; null where that is not known here. */
  zone: string | null;
  /** What holds where no time zone is typed, in words. */
  zonePlaceholder: string;
  /** The next start of the schedule as it is saved, Unix ms: intervals count on from the last one. */
  nextStart: number | null;
  /** The script is not there yet. */
  isNew?: boolean;
}

/** When a script starts, and what that comes to. */
export function Schedule({ fields, zone, zonePlaceholder, nextStart, isNew = false }: Props) {
  const t = words();
  const { when, jitter } = fields.draft;
  const anchor = when.kind === "every" && nextStart !== null && !fields.isTouched("when") ? nextStart : null;
  const previewed = usePreview(queryOf(fields.draft, anchor));
  const shown: Fields = {
    ...fields,
    faults: (key) => unique([...fields.faults(key), ...previewed.faults.filter((fault) => keyOf(fault) === key)]),
  };
  const type = (typed: Partial<When>) => fields.type({ when: { ...when, ...typed } });
  return (
    <>
      <Labelled fields={shown} field="when" group class="wide">
        {() => (
          <div class="bar-of kinds" role="radiogroup" aria-label={t.kind}>
            {KINDS.map((kind) => (
              <label key={kind} class="choice">
                <input
                  type="radio"
                  name="kind"
                  value={kind}
                  checked={when.kind === kind}
                  onChange={() => type({ kind })}
                />
                {t.kinds[kind]}
              </label>
            ))}
          </div>
        )}
      </Labelled>
      {when.kind === "every" && <Every fields={shown} every={when.every} onType={(every) => type({ every })} />}
      {when.kind === "cron" && <Cron fields={shown} cron={when.cron} onType={(cron) => type({ cron })} />}
      {when.kind === "at" && <At fields={shown} at={when.at} zone={zone ?? readersZone()} onType={(at) => type({ at })} />}
      {when.kind === "manual" ? (
        <p class="note wide">{t.manual}</p>
      ) : (
        <>
          {when.kind !== "every" && (
            <>
              <Text fields={shown} field="timezone" placeholder={zonePlaceholder} list="time-zones" />
              <TimeZones />
            </>
          )}
          {!isNew && <Text fields={shown} field="jitter" placeholder="0s" />}
          <Meaning previewed={previewed} zone={zone} kind={when.kind} isNew={isNew}>
            {when.kind === "every" && !isNew && anchor === null && <p class="note">{t.fromNow}</p>}
            {(milliseconds(jitter) ?? 0) > 0 && <p class="note">{t.upTo(jitter.trim())}</p>}
          </Meaning>
        </>
      )}
    </>
  );
}

/** The same may be said of what is typed, and of what was to be saved. */
function unique(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.map((fault) => [textOf(fault), fault])).values()];
}

/** What to ask of a schedule; null where there is none to ask of yet. */
function queryOf({ when, timezone }: Draft, anchor: number | null): PreviewQuery | null {
  if (when.kind === "manual" || !when[when.kind].trim()) return null;
  const every = anchor === null ? null : milliseconds(when.every);
  return {
    [when.kind]: when[when.kind].trim(),
    ...(timezone.trim() ? { timezone: timezone.trim() } : {}),
    ...(anchor !== null && every !== null ? { from: new Date(anchor - every).toISOString() } : {}),
  };
}

function Every({ fields, every, onType }: { fields: Fields; every: string; onType(every: string): void }) {
  const t = words();
  const interval = intervalOf(every);
  const [chosen, setChosen] = useState<Unit | "other">(interval?.unit ?? (every ? "other" : "m"));
  const unit = chosen === "other" || (every !== "" && !interval) ? "other" : (interval?.unit ?? chosen);
  return (
    <Labelled fields={fields} field="when" part="every" label={t.every} help={t.everyHelp} class="wide">
      {(control) => (
        <div class="bar-of">
          <input
            {...control}
            {...PLAIN}
            type="text"
            class="mono short"
            inputMode={unit === "other" ? "text" : "decimal"}
            placeholder={unit === "other" ? "1h30m" : "5"}
            value={unit === "other" ? every : (interval?.count ?? "")}
            onInput={({ currentTarget: { value } }) => {
              const text = value.trim();
              const isNumber = /^[\d.]*$/.test(text);
              if (!isNumber) setChosen("other");
              onType(unit === "other" || !isNumber || text === "" ? text : text + unit);
            }}
          />
          <select
            aria-label={t.unit}
            value={unit}
            onChange={(event) => {
              const next = event.currentTarget.value as Unit | "other";
              setChosen(next);
              if (next !== "other" && interval) onType(interval.count + next);
              else if (next !== "other") onType("");
            }}
          >
            {UNITS.map((each) => (
              <option key={each} value={each}>
                {t.units[each]}
              </option>
            ))}
            <option value="other">{t.otherUnit}</option>
          </select>
        </div>
      )}
    </Labelled>
  );
}

function Cron({ fields, cron, onType }: { fields: Fields; cron: string; onType(cron: string): void }) {
  const t = words();
  const [caret, setCaret] = useState<number | null>(null);
  const count = cron.trim().split(/\s+/).length;
  const names = cron.trim().startsWith("@") ? [] : t.parts.slice(count > 5 ? 0 : 1);
  const at = caret === null ? -1 : cron.slice(0, caret).trimStart().split(/\s+/).length - 1;
  const look = (event: { currentTarget: HTMLInputElement }) => setCaret(event.currentTarget.selectionStart);
  return (
    <Labelled fields={fields} field="when" part="cron" label={t.cron} help={t.cronHelp} class="wide">
      {(control) => (
        <div class="cron">
          <input
            {...control}
            {...PLAIN}
            type="text"
            class="mono"
            placeholder="15 3 * * *"
            value={cron}
            onInput={(event) => {
              onType(event.currentTarget.value);
              look(event);
            }}
            onKeyUp={look}
            onClick={look}
            onFocus={look}
            onBlur={() => setCaret(null)}
          />
          <div class="parts note" aria-hidden="true">
            {names.map((name, index) => (
              <span key={name} class={index === at ? "here" : ""}>
                {name}
              </span>
            ))}
          </div>
          <div class="bar-of" role="group" aria-label={t.presets}>
            {Object.entries(t.presetNames).map(([preset, name]) => (
              <button
                key={preset}
                type="button"
                class="tag"
                title={preset}
                aria-pressed={cron.trim() === preset}
                onClick={() => onType(preset)}
              >
                {name}
              </button>
            ))}
          </div>
        </div>
      )}
    </Labelled>
  );
}

function At({ fields, at, zone, onType }: { fields: Fields; at: string; zone: string; onType(at: string): void }) {
  const t = words();
  // What was typed stays as it is shown, also where a clock of that time would show it a little differently.
  const last = useRef({ wall: "", at: "" });
  const instant = Date.parse(at);
  const wall = last.current.at === at ? last.current.wall : Number.isNaN(instant) ? "" : wallTime(instant, zone);
  const isReadable = at === "" || !Number.isNaN(instant);
  return (
    <Labelled fields={fields} field="when" part="at" label={t.at} help={t.atHelp(zone)} class="wide">
      {(control) =>
        isReadable ? (
          <input
            {...control}
            type="datetime-local"
            value={wall}
            onInput={({ currentTarget: { value } }) => {
              last.current = { wall: value, at: instantOf(value, zone) ?? "" };
              onType(last.current.at);
            }}
          />
        ) : (
          <input {...control} {...PLAIN} type="text" value={at} onInput={(event) => onType(event.currentTarget.value)} />
        )
      }
    </Labelled>
  );
}

function TimeZones() {
  const names = useRef<string[] | null>(null);
  names.current ??= ["local", "UTC", ...Intl.supportedValuesOf("timeZone")];
  return (
    <datalist id="time-zones">
      {names.current.map((name) => (
        <option key={name} value={name} />
      ))}
    </datalist>
  );
}

interface MeaningProps {
  previewed: Previewed;
  zone: string | null;
  kind: Exclude<Kind, "manual">;
  isNew: boolean;
  children: ComponentChildren;
}

/** The schedule as a sentence, and its next starts. */
function Meaning({ previewed: { preview, faults, settled }, zone, kind, isNew, children }: MeaningProps) {
  const t = words();
  const isInterval = kind === "every";
  const id = useId();
  const general = faults.filter((fault) => !keyOf(fault));
  const next = preview ? starts(preview.next) : [];
  return (
    <section class={`meaning wide ${settled && !faults.length ? "" : "old"}`} aria-labelledby={id}>
      <h3 id={id}>{preview && faults.length ? t.previewBefore : t.preview}</h3>
      <p class="sentence" role="status" lang={preview?.language}>
        {preview?.description}
      </p>
      {general.map(({ message, language }) => (
        <p key={message} class="problem" lang={language}>
          {message}
        </p>
      ))}
      {isInterval && isNew && preview && <p class="note">{t.firstSoon}</p>}
      {next.length > 0 && !(isInterval && isNew) && <Starts next={next} zone={zone} ownClock={!isInterval} />}
      {preview && !next.length && <p class="note">{t.noStarts}</p>}
      {preview && children}
    </section>
  );
}

interface StartsProps {
  next: readonly Start[];
  zone: string | null;
  /** They go by the clock of the script's time zone, and not by the time that passes. */
  ownClock: boolean;
}

function Starts({ next, zone, ownClock }: StartsProps) {
  const t = words();
  const differ = ownClock && clocksDiffer(next);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t.starts}>
      <table>
        <caption class="unseen">{t.starts}</caption>
        <thead class={differ ? "" : "unseen"}>
          <tr>
            <th scope="col">{t.onItsClock(zone ?? next[0]!.offset)}</th>
            {differ && <th scope="col">{t.onYourClock(readersZone())}</th>}
            <th scope="col">
              <span class="unseen">{t.starts}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {next.map((start) => (
            <tr key={start.at}>
              <td>
                {ownClock ? onClock(start.wall) : moment(start.at, clock.now())}{" "}
                {differ && <span class="note">{start.offset}</span>}
                {ownClock && start.changed && <span class="warning"> {t.clockChange}</span>}
              </td>
              {differ && <td>{moment(start.at, clock.now())}</td>}
              <td class="note">
                <In then={start.at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function In({ then }: { then: number }) {
  return <>{useTick((now) => countdown(then, now)) ?? "–"}</>;
}

/** `Mon, 1 Dec, 03:15:00`, of what a clock shows; with the year where that is another one. */
function onClock(wall: number): string {
  const isThisYear = new Date(wall).getUTCFullYear() === new Date(clock.now()).getFullYear();
  const format = new Intl.DateTimeFormat(locale(), {
    timeZone: "UTC", weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
    second: "2-digit", hourCycle: "h23", ...(isThisYear ? {} : { year: "numeric" }),
  });
  return format.format(wall);
}

/** What the service would take the time zone of a draft for; null where that is not known. */
export function zoneOf(typed: string, known: { typed: string; zone: string | null }): string | null {
  if (typed.trim() === known.typed.trim()) return known.zone;
  return isZone(typed.trim()) ? typed.trim() : null;
}

