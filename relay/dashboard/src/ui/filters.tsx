/** Fields by which a reader says what of a list they want to see. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** A reader who types is asked for no more than so many milliseconds after the last key. */
const TYPING = 300;

interface TypedProps {
  label: string;
  placeholder: string;
  list?: string;
  value: string | undefined;
  onChange(value: string): void;
  field?: RefObject<HTMLInputElement | null>;
}

/** A text that is told once the reader has stopped typing. */
export function Typed({ label, placeholder, list, value = "", onChange, field }: TypedProps) {
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
export function Moment({ label, value, onChange }: { label: string; value: string | undefined; onChange(value: string): void }) {
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
