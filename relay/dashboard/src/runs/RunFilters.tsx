import { useId, useRef } from "preact/hooks";
import type { RunFilter } from "../api/runs";
import type { FailureReason, Status } from "../events";
import { useCommands } from "../shell/commands";
import { Moment, Typed } from "../ui/filters";
import { reasonsOf, STATUSES } from "./filter";
import { words } from "./words";

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
