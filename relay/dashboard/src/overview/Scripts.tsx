import { useMemo, useState } from "preact/hooks";
import { clock, useTick } from "../live/clock";
import type { ScriptRow } from "../live/store";
import { useWindow } from "../ui/window";
import { Batch } from "./Batch";
import { Filters } from "./Filters";
import { useHeld } from "./held";
import { listed, NO_WISH } from "./listing";
import { Row } from "./Row";
import { useRowHeight } from "./rowHeight";
import { chosen, withAll } from "./selection";
import { current, useWalk } from "./walk";
import { wish } from "./wish";
import { words } from "./words";

/** Every script with its live state, thousands of them as well. */
export function Scripts({ rows }: { rows: ReadonlyMap<string, ScriptRow> }) {
  const t = words();
  const moment = useTick((now) => Math.floor(now / 10_000)); // what is overdue changes by itself
  const wanted = useMemo(() => listed(rows.values(), wish.value, clock.now()), [rows, wish.value, moment]);
  const { shown, hold } = useHeld(wanted, rows, wish.value);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const { seen, hidden, all } = chosen(selected, shown, rows);
  const height = useRowHeight();
  const { ref, first, end } = useWindow(shown.length, height);
  useWalk(shown, ref, height);

  function select(name: string, on: boolean) {
    const next = new Set(selected);
    if (on) next.add(name);
    else next.delete(name);
    setSelected(next);
  }

  return (
    <section aria-label={t.scripts}>
      <Filters rows={rows} shown={shown.length} />
      {seen.length + hidden > 0 && <Batch chosen={{ seen, hidden, all }} onClear={() => setSelected(new Set())} />}
      <div
        class="scripts"
        role="table"
        aria-label={t.scripts}
        aria-rowcount={shown.length + 1}
        {...hold}
        onFocusCapture={(event) => {
          const name = (event.target as Element).closest<HTMLElement>("[data-script]")?.dataset["script"];
          if (name !== undefined) current.value = name;
        }}
      >
        <Head
          all={all}
          some={seen.length > 0}
          onSelect={(on) => setSelected(withAll(selected, shown, on))}
        />
        <div ref={ref} role="rowgroup" class="rows" style={{ height: `${shown.length * height}px` }}>
          <div role="presentation" style={{ transform: `translateY(${first * height}px)` }}>
            {shown.slice(first, end).map((row, index) => (
              <Row
                key={row.name}
                row={row}
                index={first + index}
                selected={selected.has(row.name)}
                current={row.name === current.value}
                onSelect={select}
              />
            ))}
          </div>
        </div>
        {!shown.length && (
          <p class="nothing">
            {t.nothing}{" "}
            <button type="button" onClick={() => (wish.value = { ...NO_WISH, order: wish.value.order })}>
              {t.forget}
            </button>
          </p>
        )}
      </div>
    </section>
  );
}

/** The names of the columns, and the choice of all rows. */
function Head({ all, some, onSelect }: { all: boolean; some: boolean; onSelect(on: boolean): void }) {
  const t = words();
  return (
    <div class="row head" role="row" aria-rowindex={1}>
      <span role="columnheader">
        <label class="check">
          <input
            type="checkbox"
            checked={all}
            indeterminate={some && !all}
            onChange={(event) => onSelect(event.currentTarget.checked)}
          />
          <span>{t.selectAll}</span>
        </label>
      </span>
      {[t.script, t.state, t.result, t.recent, t.next, t.actions].map((column) => (
        <span key={column} role="columnheader">
          {column}
        </span>
      ))}
    </div>
  );
}
