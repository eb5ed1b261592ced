import { useRef } from "preact/hooks";
import type { AuditFilter } from "../api/audit";
import { useCommands } from "../shell/commands";
import { Moment, Typed } from "../ui/filters";
import { FAMILIES, type Family, WHOLE } from "./filter";
import { words } from "./words";

interface Props {
  filter: AuditFilter;
  onChange(filter: AuditFilter): void;
}

/** Which entries to list. */
export function AuditFilters({ filter, onChange }: Props) {
  const t = words();
  const field = useRef<HTMLInputElement>(null);
  useCommands(() => [{ title: t.filter, keys: "/", run: () => field.current?.focus() }], [t]);

  function change(part: AuditFilter) {
    const given = Object.entries({ ...filter, ...part }).filter(([, value]) => value !== "");
    onChange(Object.fromEntries(given));
  }

  return (
    <form class="run-filters bar-of" role="search" aria-label={t.filter} onSubmit={(event) => event.preventDefault()}>
      <Typed label={t.target} placeholder={t.anyTarget} value={filter.target} onChange={(target) => change({ target })} field={field} />
      <Typed label={t.actor} placeholder={t.actor} value={filter.actor} onChange={(actor) => change({ actor })} />
      <select
        aria-label={t.action}
        value={filter.action ?? ""}
        onChange={(event) => change({ action: event.currentTarget.value })}
      >
        <option value="">{t.anyAction}</option>
        {(Object.keys(FAMILIES) as Family[]).map((family) => (
          <optgroup key={family} label={t.families[family]}>
            {WHOLE.includes(family) && <option value={family}>{t.all(t.families[family])}</option>}
            {FAMILIES[family].map((action) => (
              <option key={action} value={action}>
                {t.actions[action]}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
      <Moment label={t.from} value={filter.since} onChange={(since) => change({ since })} />
      <Moment label={t.to} value={filter.until} onChange={(until) => change({ until })} />
    </form>
  );
}
