import { useMemo, useState } from "preact/hooks";
import { runScript, stopScript } from "../api/scripts";
import { clock, useTick } from "../live/clock";
import type { ScriptRow } from "../live/store";
import { go } from "../route";
import { alarm, said } from "../shell/announce";
import { useCommands } from "../shell/commands";
import { useWindow } from "../ui/window";
import { Batch } from "./Batch";
import { Filters } from "./Filters";
import { useHeld } from "./held";
import { listed, NO_WISH } from "./listing";
import { Row } from "./Row";
import { useRowHeight } from "./rowHeight";
import { wish } from "./wish";
import { words } from "./words";

/** Every script with its live state, thousands of them as well. */
export function Scripts({ rows }: { rows: ReadonlyMap<string, ScriptRow> }) {
  const t = words();
  const moment = useTick((now) => Math.floor(now / 10_000)); // what is overdue changes by itself
  const wanted = useMemo(() => listed(rows.values(), wish.value, clock.now()), [rows, wish.value, moment]);
  const { shown, hold } = useHeld(wanted, rows, wish.value);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const chosen = useMemo(() => [...selected].filter((name) => rows.has(name)), [selected, rows]);
  const height = useRowHeight();
  const { ref, first, end } = useWindow(shown.length, height);
  const { current, setCurrent } = useKeys(shown, ref, height);

  function select(name: string, on: boolean) {
    const next = new Set(selected);
    if (on) next.add(name);
    else next.delete(name);
    setSelected(next);
  }

  return (
    <section aria-label={t.scripts}>
      <Filters rows={rows} shown={shown.length} />
      {chosen.length > 0 && <Batch names={chosen} onDone={() => setSelected(new Set())} />}
      <div
        class="scripts"
        role="table"
        aria-label={t.scripts}
        aria-rowcount={shown.length + 1}
        {...hold}
        onFocusCapture={(event) => {
          const name = (event.target as Element).closest<HTMLElement>("[data-script]")?.dataset["script"];
          if (name !== undefined) setCurrent(name);
        }}
      >
        <Head
          all={chosen.length > 0 && chosen.length === shown.length}
          some={chosen.length > 0}
          onSelect={(on) => setSelected(new Set(on ? shown.map(({ name }) => name) : []))}
        />
        <div ref={ref} role="rowgroup" class="rows" style={{ height: `${shown.length * height}px` }}>
          <div role="presentation" style={{ transform: `translateY(${first * height}px)` }}>
            {shown.slice(first, end).map((row, index) => (
              <Row
                key={row.name}
                row={row}
                index={first + index}
                selected={selected.has(row.name)}
                current={row.name === current}
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

/** The keys of the list: j and k walk through it, others are for the script they are at. */
function useKeys(shown: readonly ScriptRow[], list: { current: HTMLElement | null }, height: number) {
  const t = words();
  const [current, setCurrent] = useState<string | null>(null);

  function walk(step: number) {
    if (!shown.length) return;
    const at = shown.findIndex(({ name }) => name === current);
    const index = at < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, at + step));
    const { name } = shown[index]!;
    const top = list.current!.getBoundingClientRect().top + index * height;
    if (top < 120) scrollBy(0, top - 120);
    else if (top + height > innerHeight - 40) scrollBy(0, top + height - innerHeight + 40);
    setCurrent(name);
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        list.current?.querySelector<HTMLElement>(`[data-script="${CSS.escape(name)}"] .name a`)?.focus({ preventScroll: true }),
      ),
    );
  }

  function withCurrent(act: (row: ScriptRow) => unknown) {
    return () => {
      const row = shown.find(({ name }) => name === current);
      if (row) act(row);
    };
  }

  const call = (ask: (name: string) => Promise<unknown>) =>
    withCurrent(({ name }) => ask(name).catch((error: unknown) => alarm(said(error))));
  const look = (tab: "runs" | "output" | "code") => withCurrent(({ name }) => go({ page: "script", name, tab }));

  useCommands(
    () => [
      { title: t.keys.next, keys: "j", repeats: true, run: () => walk(1) },
      { title: t.keys.previous, keys: "k", repeats: true, run: () => walk(-1) },
      { title: t.keys.open, keys: "Enter", run: look("runs") },
      { title: t.keys.run, keys: "r", run: call(runScript) },
      { title: t.keys.stop, keys: "s", run: call(stopScript) },
      { title: t.keys.edit, keys: "e", run: look("code") },
      { title: t.keys.output, keys: "l", run: look("output") },
    ],
    [t, shown, current],
  );
  return { current, setCurrent };
}
