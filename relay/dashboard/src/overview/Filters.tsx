import { useMemo, useRef } from "preact/hooks";
import { may } from "../access/session";
import type { ScriptRow } from "../live/store";
import { address } from "../route";
import { useCommands } from "../shell/commands";
import { count } from "../text/format";
import { allLabels, ORDERS, type Order, SHOWS } from "./listing";
import { wish } from "./wish";
import { words } from "./words";

/** Labels offered for filtering; the rest is found by typing them. */
const MOST_LABELS = 12;

/** Which scripts to list, and in which order. */
export function Filters({ rows, shown }: { rows: ReadonlyMap<string, ScriptRow>; shown: number }) {
  const t = words();
  const field = useRef<HTMLInputElement>(null);
  const labels = useMemo(() => allLabels(rows.values()).slice(0, MOST_LABELS), [rows]);
  const { text, show, order, labels: chosen } = wish.value;
  useCommands(() => [{ title: t.keys.filter, keys: "/", run: () => field.current?.focus() }], [t]);

  function toggle(label: string) {
    const others = chosen.filter((each) => each !== label);
    wish.value = { ...wish.value, labels: others.length === chosen.length ? [...chosen, label] : others };
  }

  return (
    <div class="filters">
      <div class="bar-of">
        <input
          ref={field}
          type="search"
          aria-label={t.filter}
          placeholder={t.filter}
          value={text}
          onInput={(event) => (wish.value = { ...wish.value, text: event.currentTarget.value })}
          onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
        />
        <div class="bar-of" role="group" aria-label={t.show}>
          {SHOWS.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={show === each}
              onClick={() => (wish.value = { ...wish.value, show: each })}
            >
              {t[each]}
            </button>
          ))}
        </div>
        <label class="bar-of">
          <span class="note">{t.sort}</span>
          <select
            value={order}
            onChange={(event) => (wish.value = { ...wish.value, order: event.currentTarget.value as Order })}
          >
            {ORDERS.map((each) => (
              <option key={each} value={each}>
                {t.orders[each]}
              </option>
            ))}
          </select>
        </label>
        <span class="note">{shown === rows.size ? "" : `${count(shown)} / ${count(rows.size)}`}</span>
        {may("edit") && (
          <a class="button main" href={address({ page: "new" })}>
            {t.create}
          </a>
        )}
      </div>
      {labels.length > 0 && (
        <div class="bar-of" role="group" aria-label={t.tags}>
          {labels.map((label) => (
            <button
              key={label}
              type="button"
              class="tag"
              title={label}
              aria-pressed={chosen.includes(label)}
              onClick={() => toggle(label)}
            >
              <bdi class="line">{label}</bdi>
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
