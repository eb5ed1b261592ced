import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { duration } from "../text/format";
import { type Command as CommandDraft, LIMITS, type LimitsField, quoted, unquoted } from "./entry";
import { partOf } from "./faults";
import { Choice, type Fields, Labelled, Pairs, PLAIN, Remove, Text } from "./Field";
import type { ServiceSettings } from "./service";
import { words } from "./words";

/** Fields that belong together, under their heading. */
export function Section({ title, note, children }: { title: string; note?: string; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="card group" aria-labelledby={id}>
      <div class="heading">
        <h2 id={id}>{title}</h2>
        {note && <p class="note">{note}</p>}
      </div>
      <div class="fields">{children}</div>
    </section>
  );
}

export function Command({ fields }: { fields: Fields }) {
  const t = words();
  const { command } = fields.draft;
  const type = (typed: Partial<CommandDraft>) => fields.type({ command: { ...command, ...typed } });
  const change = (isList: boolean) =>
    type({
      isList,
      words: command.words.length ? command.words : unquoted(command.text),
      text: command.text || quoted(command.words),
    });
  return (
    <Labelled
      fields={fields}
      field="command"
      class="wide"
      group={command.isList}
      help={command.isList ? t.help.commandList : t.help.command}
    >
      {(control) => (
        <>
          {command.isList ? (
            <Words control={control} words={command.words} onType={(words) => type({ words })} />
          ) : (
            <textarea
              {...control}
              {...PLAIN}
              class="mono"
              rows={Math.min(8, Math.max(2, command.text.split("\n").length))}
              placeholder="./scripts/backup.sh --full"
              value={command.text}
              onInput={(event) => type({ text: event.currentTarget.value })}
            />
          )}
          <div class="bar-of" role="group" aria-label={t.commandForm}>
            <button type="button" class="tag" aria-pressed={!command.isList} onClick={() => change(false)}>
              {t.asText}
            </button>
            <button type="button" class="tag" aria-pressed={command.isList} onClick={() => change(true)}>
              {t.asList}
            </button>
          </div>
        </>
      )}
    </Labelled>
  );
}

interface WordsProps {
  control: object;
  words: readonly string[];
  onType(words: readonly string[]): void;
}

function Words({ control, words: list, onType }: WordsProps) {
  const t = words();
  return (
    <div class="pairs">
      {(list.length ? list : [""]).map((word, index) => {
        const name = index ? t.argument(index) : t.program;
        return (
          <div key={index} class="word">
            <input
              {...control}
              {...PLAIN}
              {...(index ? { id: undefined } : {})}
              type="text"
              class="mono"
              aria-label={name}
              placeholder={name}
              value={word}
              onInput={(event) => {
                const next = [...list];
                next[index] = event.currentTarget.value;
                onType(next);
              }}
            />
            {index > 0 && <Remove name={name} onClick={() => onType(list.filter((_, at) => at !== index))} />}
          </div>
        );
      })}
      <button type="button" class="quiet" onClick={() => onType([...(list.length ? list : [""]), ""])}>
        + {t.addArgument}
      </button>
    </div>
  );
}

export function Surroundings({ fields }: { fields: Fields }) {
  const t = words();
  return (
    <>
      <Text fields={fields} field="workdir" placeholder={t.configFolder} mono />
      <Text fields={fields} field="env_file" placeholder={t.none} mono />
      <Pairs fields={fields} field="env" what={t.variable} />
      <Text fields={fields} field="secrets" placeholder={t.none} mono class="wide" />
      <Text fields={fields} field="user" placeholder={t.asService} mono />
      <Text fields={fields} field="group" placeholder={t.asUser} mono />
      <Text fields={fields} field="umask" placeholder={t.asService} mono />
    </>
  );
}

export function Bounds({ fields }: { fields: Fields }) {
  return (
    <>
      <Text fields={fields} field="timeout" placeholder={words().none} />
      <Text fields={fields} field="kill_after" placeholder="10s" />
      <Choice fields={fields} field="overlap" choices={words().overlaps} />
      <Text fields={fields} field="max_output" placeholder="10MiB" />
      <Text fields={fields} field="success_codes" placeholder="0" />
      <Text fields={fields} field="nice" placeholder="0" />
      <LimitsOf fields={fields} field="limits" labels={words().bounds} />
    </>
  );
}

interface LimitsProps {
  fields: Fields;
  field: LimitsField;
  labels: Readonly<Record<string, string>>;
  /** What holds where nothing is typed. */
  placeholders?: Readonly<Record<string, string>> | undefined;
}

/** Several limits in a row. */
function LimitsOf({ fields, field, labels, placeholders }: LimitsProps) {
  const values: Readonly<Record<string, string>> = fields.draft[field];
  const parts = fields.faults(field).map(partOf);
  return (
    <Labelled fields={fields} field={field} group class="wide">
      {({ id, ...control }) => (
        <div class="bar-of">
          {LIMITS[field].map((limit, index) => (
            <label key={limit} class="limit">
              <span class="note">{labels[limit]}</span>
              <input
                {...control}
                {...PLAIN}
                aria-invalid={parts.some((part) => part === undefined || part === limit) || undefined}
                id={index ? undefined : id}
                type="text"
                class="short"
                placeholder={placeholders?.[limit] ?? ""}
                value={values[limit]}
                onInput={(event) => fields.type({ [field]: { ...values, [limit]: event.currentTarget.value } })}
              />
            </label>
          ))}
        </div>
      )}
    </Labelled>
  );
}

/** `ageLimit` is the one in force, in milliseconds; null where none is known. */
export function Failure({ fields, ageLimit }: { fields: Fields; ageLimit: number | null }) {
  const t = words();
  return (
    <>
      <Text fields={fields} field="retries" placeholder="0" />
      <Text fields={fields} field="retry_delay" placeholder="10s" />
      <Choice fields={fields} field="missed" choices={t.missedStarts} />
      <Text
        fields={fields}
        field="success_age_limit"
        placeholder={ageLimit === null ? t.derived : t.derivedNow(duration(ageLimit))}
      />
    </>
  );
}

export function Look({ fields, service }: { fields: Fields; service: ServiceSettings | null }) {
  const t = words();
  const { enabled } = fields.draft;
  return (
    <>
      <Text fields={fields} field="description" placeholder={t.none} class="wide" />
      <Pairs fields={fields} field="labels" what={t.label} />
      <LimitsOf fields={fields} field="retention" labels={t.limits} placeholders={service?.retention} />
      <Labelled fields={fields} field="enabled" class="wide">
        {(control) => (
          <input
            {...control}
            type="checkbox"
            checked={enabled}
            onChange={(event) => fields.type({ enabled: event.currentTarget.checked })}
          />
        )}
      </Labelled>
    </>
  );
}
