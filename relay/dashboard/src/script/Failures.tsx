import { useMemo, useRef, useState } from "preact/hooks";
import type { PastRun } from "../events";
import { isFailure } from "../live/summary";
import { address } from "../route";
import { count, shortDate, weekday } from "../text/format";
import { Figure } from "../ui/Figure";
import { type Cell, heat, heatMap } from "./heatMap";
import { Nothing } from "./Nothing";
import { words } from "./words";

interface Place {
  /** 0 is Monday. */
  day: number;
  hour: number;
}

/** When in the week a script fails. */
export function Failures({ name, runs, more }: { name: string; runs: readonly PastRun[] | null; more: boolean }) {
  const t = words();
  const map = useMemo(() => heatMap(runs ?? []), [runs?.length, runs?.at(-1)]);
  const [at, setAt] = useState<Place | null>(null);
  const failed = (runs ?? []).filter(isFailure).length;
  const first = runs?.[0] ? shortDate(Date.parse(runs[0].started_at)) : "";
  const label = t.failuresOf(count(failed), count(runs?.length ?? 0), first);
  return (
    <section class="card">
      <h2>{t.failures}</h2>
      <p class="note readout line">
        {at ? `${slot(at)}: ${told(map[at.day]![at.hour]!)}` : runs?.length ? label : ""}
        {!at && more && ` ${t.latest(count(runs!.length))}`}
      </p>
      {runs?.length ? (
        <Figure
          label={`${t.failures}: ${label}`}
          table={() => ({
            columns: [t.day, t.hour, t.runs, t.failed],
            rows: map.flatMap((hours, day) =>
              hours.flatMap((cell, hour) =>
                cell.runs ? [[dayName(day), hours24(hour), count(cell.runs), count(cell.failed)]] : [],
              ),
            ),
          })}
        >
          <Grid label={t.failures} map={map} onPoint={setAt} />
        </Figure>
      ) : (
        <Nothing known={runs !== null} />
      )}
      {failed > 0 && (
        <a class="note all-failed" href={address({ page: "script", name, tab: "runs", filter: { status: "failed" } })}>
          {t.listFailed}
        </a>
      )}
    </section>
  );
}

interface GridProps {
  label: string;
  map: readonly (readonly Cell[])[];
  onPoint(place: Place | null): void;
}

/** A cell for every hour of the week; arrow keys go from one to the next. */
function Grid({ label, map, onPoint }: GridProps) {
  const [stop, setStop] = useState<Place>({ day: 0, hour: 0 });
  const grid = useRef<HTMLDivElement>(null);

  function onKeyDown(event: KeyboardEvent) {
    // Where it is narrow, days run across.
    const turned = getComputedStyle(grid.current!).gridAutoFlow.includes("column");
    const [along, across] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key] ?? [];
    if (along === undefined || across === undefined) return;
    event.preventDefault();
    const [hours, days] = turned ? [across, along] : [along, across];
    const hour = Math.min(23, Math.max(0, stop.hour + hours));
    const day = Math.min(6, Math.max(0, stop.day + days));
    setStop({ day, hour });
    grid.current!.querySelector<HTMLElement>(`[data-at="${day} ${hour}"]`)!.focus();
  }

  return (
    <div ref={grid} class="heat-map" role="grid" aria-label={label} onKeyDown={onKeyDown} onPointerLeave={() => onPoint(null)}>
      <div role="row">
        <span role="columnheader">
          <b class="unseen">{words().day}</b>
        </span>
        {map[0]!.map((_, hour) => (
          <span key={hour} role="columnheader" aria-label={hours24(hour)}>
            <b class={hour % 3 ? "unseen" : ""}>{hour}</b>
          </span>
        ))}
      </div>
      {map.map((hours, day) => (
        <div key={day} role="row">
          <span role="rowheader">{dayName(day)}</span>
          {hours.map((cell, hour) => (
            <span
              key={hour}
              role="gridcell"
              tabIndex={day === stop.day && hour === stop.hour ? 0 : -1}
              data-at={`${day} ${hour}`}
              class={cell.runs ? `heat-${heat(cell)}` : "never"}
              aria-label={`${slot({ day, hour })}: ${told(cell)}`}
              onPointerEnter={() => onPoint({ day, hour })}
              onFocus={() => {
                setStop({ day, hour });
                onPoint({ day, hour });
              }}
              onBlur={() => onPoint(null)}
            >
              {cell.failed > 0 && (cell.failed < 100 ? cell.failed : "99+")}
            </span>
          ))}
        </div>
      ))}
    </div>
  );
}

function told(cell: Cell): string {
  return cell.runs ? words().of(count(cell.failed), count(cell.runs)) : words().noRuns;
}

function slot({ day, hour }: Place): string {
  return `${dayName(day)} ${hours24(hour)}`;
}

function dayName(day: number): string {
  return weekday((day + 1) % 7);
}

/** `14:00–15:00` */
function hours24(hour: number): string {
  const clock = (at: number) => `${String(at).padStart(2, "0")}:00`;
  return `${clock(hour)}–${clock(hour + 1)}`;
}
