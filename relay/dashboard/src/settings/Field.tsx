import type { ComponentChildren } from "preact";
import type { Fault } from "../api/client";
import type { Draft, Field, Pair, TextField } from "./entry";
import { keyOf, partOf, textOf } from "./faults";
import { words } from "./words";

/** What every field of the form works with. */
export interface Fields {
  readonly draft: Draft;
  type(typed: Partial<Draft>): void;
  /** What is wrong with a key of the entry. */
  faults(key: string): readonly Fault[];
  isTouched(field: Field): boolean;
  /** Beside a field that someone else has changed meanwhile: what to do about it. */
  contest?(field: Field): ComponentChildren;
}

/** What a control needs to be known as that of its field. */
interface Control {
  id: string;
  "aria-describedby": string;
  "aria-invalid": boolean | undefined;
}

interface Props {
  fields: Fields;
  field: Field;
  /** The key of the entry, for one of several that the field is about. */
  part?: string;
  label?: string;
  help?: ComponentChildren;
  class?: string;
  /** Several controls: each one has a label of its own, and the field's is that of the group. */
  group?: boolean;
  children(control: Control): ComponentChildren;
}

/** A control with its label, its help, and what is wrong with it. */
export function Labelled({ fields, field, part, label, help, group, children, ...props }: Props) {
  const t = words();
  const id = `field-${part ?? field}`;
  const faults = fields.faults(part ?? field);
  const name = label ?? t.fields[field];
  const control: Control = {
    id,
    "aria-describedby": `${id}-faults ${id}-help`,
    "aria-invalid": faults.length > 0 || undefined,
  };
  return (
    <div class={`field ${props.class ?? ""}`} {...(group ? { role: "group", "aria-labelledby": `${id}-label` } : {})}>
      <div class="label">
        {group ? <span id={`${id}-label`}>{name}</span> : <label for={id}>{name}</label>}
        {part === undefined && fields.isTouched(field) && (
          <span class="changed" title={t.changed}>
            <span class="unseen">{t.changed}</span>
          </span>
        )}
      </div>
      {children(control)}
      <Faults id={`${id}-faults`} faults={faults} />
      {part === undefined && fields.contest?.(field)}
      <p class="note" id={`${id}-help`}>
        {help ?? (field in t.help ? t.help[field as keyof typeof t.help] : "")}
      </p>
    </div>
  );
}

function Faults({ id, faults }: { id: string; faults: readonly Fault[] }) {
  return (
    <div id={id} class="faults">
      {faults.map((fault) => (
        <p key={textOf(fault)} class="problem" lang={fault.language}>
          {textOf(fault)}
        </p>
      ))}
    </div>
  );
}

/** What is wrong with something that has no field here. */
export function Homeless({ faults }: { faults: readonly Fault[] }) {
  const homeless = faults.filter((fault) => !document.getElementById(`field-${keyOf(fault)}`));
  return (
    <>
      {homeless.map(({ message, language }) => (
        <p key={message} class="problem" lang={language}>
          {message}
        </p>
      ))}
    </>
  );
}

interface TextProps extends Pick<Props, "fields" | "help" | "class"> {
  field: TextField;
  /** What holds where nothing is typed. */
  placeholder?: string;
  mono?: boolean;
  list?: string;
}

export function Text({ fields, field, placeholder, mono, list, ...props }: TextProps) {
  return (
    <Labelled fields={fields} field={field} {...props}>
      {(control) => (
        <input
          {...control}
          {...PLAIN}
          type="text"
          class={mono ? "mono" : ""}
          list={list}
          placeholder={placeholder}
          value={fields.draft[field]}
          onInput={(event) => fields.type({ [field]: event.currentTarget.value })}
        />
      )}
    </Labelled>
  );
}

/** Texts for the service are not to be mended by the browser. */
export const PLAIN = { autocomplete: "off", autocapitalize: "off", spellcheck: false } as const;

interface ChoiceProps<T extends string> {
  fields: Fields;
  field: TextField;
  /** Texts by value, that of the default first. */
  choices: Readonly<Record<T, string>>;
}

/** One of a few values; the first one is what holds where the key is not there. */
export function Choice<T extends string>({ fields, field, choices }: ChoiceProps<T>) {
  const value = fields.draft[field];
  const texts = Object.entries<string>(choices);
  return (
    <Labelled fields={fields} field={field}>
      {(control) => (
        <select {...control} value={value} onChange={(event) => fields.type({ [field]: event.currentTarget.value })}>
          {texts.map(([key, text], index) => (
            <option key={key} value={index || value === key ? key : ""}>
              {index ? text : words().byDefault(text)}
            </option>
          ))}
          {value !== "" && !(value in choices) && <option value={value}>{value}</option>}
        </select>
      )}
    </Labelled>
  );
}

interface PairsProps {
  fields: Fields;
  field: "env" | "labels";
  /** What a name is the name of. */
  what: string;
}

/** Names with their values, one a line; the last line is for another one. */
export function Pairs({ fields, field, what }: PairsProps) {
  const t = words();
  const pairs = fields.draft[field];
  const parts = fields.faults(field).map(partOf);
  const invalid = (name: string) => parts.some((part) => part === undefined || part === name) || undefined;
  const change = (index: number, changed: Partial<Pair>) => {
    const next = [...pairs, ...(index === pairs.length ? [{ name: "", value: "" }] : [])];
    fields.type({ [field]: next.map((pair, at) => (at === index ? { ...pair, ...changed } : pair)) });
  };
  return (
    <Labelled fields={fields} field={field} group class="wide">
      {({ id, ...control }) => (
        <div class="pairs">
          {[...pairs, { name: "", value: "" }].map(({ name, value }, index) => (
            <div key={index} class="pair">
              <input
                {...PLAIN}
                {...control}
                aria-invalid={invalid(name)}
                id={index ? undefined : id}
                type="text"
                class="mono"
                aria-label={what}
                placeholder={what}
                value={name}
                onInput={(event) => change(index, { name: event.currentTarget.value })}
              />
              <input
                {...PLAIN}
                {...control}
                aria-invalid={undefined}
                type="text"
                class="mono"
                aria-label={name ? t.valueOf(name) : t.value}
                placeholder={t.value}
                value={value}
                onInput={(event) => change(index, { value: event.currentTarget.value })}
              />
              {index < pairs.length ? (
                <Remove name={name} onClick={() => fields.type({ [field]: pairs.filter((_, at) => at !== index) })} />
              ) : (
                <span />
              )}
            </div>
          ))}
        </div>
      )}
    </Labelled>
  );
}

export function Remove({ name, onClick }: { name: string; onClick(): void }) {
  const t = words();
  return (
    <button type="button" class="icon" aria-label={t.removeOf(name)} title={t.removeOf(name)} onClick={onClick}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d="m4 3 4 4 4-4 1 1-4 4 4 4-1 1-4-4-4 4-1-1 4-4-4-4Z" />
      </svg>
    </button>
  );
}
