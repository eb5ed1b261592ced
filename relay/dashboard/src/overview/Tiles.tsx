import { useMemo } from "preact/hooks";
import { useTick } from "../live/clock";
import { summarize } from "../live/summary";
import type { State } from "../live/store";
import { address } from "../route";
import { count, countdown } from "../text/format";
import { whileRunning } from "../text/words";
import { type Show } from "./listing";
import { wish } from "./wish";
import { words } from "./words";

/** All scripts at a glance; a press on a figure lists those it counts. */
export function Tiles({ rows, system }: State) {
  const t = words();
  const moment = useTick((now) => Math.floor(now / 1000) * 1000);
  const { running, busy, failing, overdue, next } = useMemo(() => summarize(rows ?? new Map(), moment), [rows, moment]);
  const ofScripts = running === busy ? "" : t.runsOf(count(running), busy);
  const waiting = t.waiting(count(system?.runs_queued ?? 0));
  return (
    <div class="tiles">
      <Tile show="running" figure={running} sign="active" note={[ofScripts, waiting].filter(Boolean).join(" · ")} />
      <Tile show="failing" figure={failing} sign="bad" note={t.ofScripts(count(rows?.size ?? 0))} />
      <Tile show="overdue" figure={overdue} sign="warning" note={t.noSuccess} />
      {next ? (
        <a class="tile" href={address({ page: "script", name: next.name, tab: "runs" })}>
          <span class="what">{t.next}</span>
          <span class="figure line">{countdown(next.nextStart!, moment)}</span>
          <span class="note line">{[next.name, whileRunning(next)].filter(Boolean).join(" · ")}</span>
        </a>
      ) : (
        <div class="tile">
          <span class="what">{t.next}</span>
          <span class="figure">–</span>
          <span class="note">{t.none}</span>
        </div>
      )}
    </div>
  );
}

function Tile({ show, figure, sign, note }: { show: Exclude<Show, "all" | "off">; figure: number; sign: string; note: string }) {
  const pressed = wish.value.show === show;
  return (
    <button
      type="button"
      class={`tile ${figure ? sign : ""}`}
      aria-pressed={pressed}
      onClick={() => (wish.value = { ...wish.value, show: pressed ? "all" : show })}
    >
      <span class="what">{words()[show]}</span>
      <span class="figure">{count(figure)}</span>
      <span class="note">{note}</span>
    </button>
  );
}
