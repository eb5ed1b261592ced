import type { RefObject } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { RunFilter } from "../api/runs";
import type { FailureReason, Status } from "../events";
import { useCommands } from "../shell/commands";
import { reasonsOf, STATUSES } from "./filter";
import { words } from "./words";

/** A reader who types is asked for no more than so many milliseconds after the last key. */
const TYPING = 300;

interface Props {
  filter: RunFilter;
  onChange(filter: RunFilter): void;
  /** The names to choose from; null where the script is given. */
  scripts: readonly string[] | null;
}

/** Which runs to list. */
export function RunFilters({ filter, onChange, scripts }: Props) {
  const t = words();
  const names = useId();
  const field = useRef<HTMLInputElement>(null);
  useCommands(() => [{ title: t.keys.filter, keys: "/", run: () => field.current?.focus() }], [t]);
  const reasons = reasonsOf(filter.status);

  function change(part: { [name in keyof RunFilter]: RunFilter[name] | undefined }) {
    const given = Object.entries({ ...filter, ...part }).filter(([, value]) => value !== undefined && value !== "");
    onChange(Object.fromEntries(given));
  }

  return (
    <form class="run-filters bar-of" role="search" aria-label={t.filter} onSubmit={(event) => event.preventDefault()}>
      {scripts && (
        <>
          <Typed label={t.script} placeholder={t.anyScript} list={names} value={filter.script} onChange={(script) => change({ script })} />
          <datalist id={names}>
            {scripts.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </>
      )}
      <Typed label={t.q} placeholder={t.q} value={filter.q} onChange={(q) => change({ q })} field={field} />
      <select
        aria-label={t.status}
        value={filter.status ?? ""}
        onChange={(event) => change({ status: event.currentTarget.value as Status, reason: undefined })}
      >
        <option value="">{t.anyStatus}</option>
        {STATUSES.map((status) => (
          <option key={status} value={status}>
            {t.statuses[status]}
          </option>
        ))}
      </select>
      <select
        aria-label={t.reason}
        value={filter.reason ?? ""}
        disabled={!reasons.length}
        onChange={(event) => change({ reason: event.currentTarget.value as FailureReason })}
      >
        <option value="">{t.anyReason}</option>
        {reasons.map((reason) => (
          <option key={reason} value={reason}>
            {t.reasons[reason]}
          </option>
        ))}
      </select>
      {scripts && (
        <>
          <Moment label={t.from} value={filter.since} onChange={(since) => change({ since })} />
          <Moment label={t.to} value={filter.until} onChange={(until) => change({ until })} />
        </>
      )}
    </form>
  );
}

interface TypedProps {
  label: string;
  placeholder: string;
  list?: string;
  value: string | undefined;
  onChange(value: string): void;
  field?: RefObject<HTMLInputElement | null>;
}

/** A text that is told once the reader has stopped typing. */
function Typed({ label, placeholder, list, value = "", onChange, field }: TypedProps) {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const latest = useRef(onChange);
  latest.current = onChange; // another part of the filter may change meanwhile
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const tell = (typed: string, wait: number) => {
    setText(typed);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => latest.current(typed.trim()), wait);
  };
  return (
    <input
      ref={field ?? null}
      type="search"
      aria-label={label}
      placeholder={placeholder}
      {...(list === undefined ? {} : { list })}
      value={text}
      onInput={(event) => tell(event.currentTarget.value, TYPING)}
      onKeyDown={(event) => {
        if (event.key === "Enter") tell(event.currentTarget.value, 0);
        if (event.key === "Escape") event.currentTarget.blur();
      }}
    />
  );
}

/** A time on the reader's clock. */
function Moment({ label, value, onChange }: { label: string; value: string | undefined; onChange(value: string): void }) {
  return (
    <label class="bar-of">
      <span class="note">{label}</span>
      <input
        type="datetime-local"
        value={value === undefined ? "" : local(value)}
        onChange={(event) => {
          const time = new Date(event.currentTarget.value);
          onChange(isNaN(time.getTime()) ? "" : time.toISOString());
        }}
      />
    </label>
  );
}

/** As the control takes it: `2026-11-23T14:02`. */
function local(instant: string): string {
  const time = new Date(instant);
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
