import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { useTick } from "../clock";
import { age, countdown, duration, elapsed, moment } from "../format";
import { useNear } from "../near";
import type { Result, ScriptRow } from "../store";
import { resultOf, statusOf, withoutCountdown } from "../words";
import { Actions } from "./Actions";
import { Bar } from "./Bar";
import { Signed } from "./Signed";

const COLUMNS = ["Script", "Status", "Last result", "Duration", "Next start", "Actions"];
/** Rows drawn at once; of the rest it is first looked which are in view. */
const FIRST_SCREEN = 30;

/** Every script with its live state. */
export function Scripts({ rows }: { rows: ReadonlyMap<string, ScriptRow> }) {
  return (
    <div class="scripts" role="table" aria-label="Scripts">
      <div class="row head" role="row">
        {COLUMNS.map((column) => (
          <span key={column} role="columnheader">
            {column}
          </span>
        ))}
      </div>
      {[...rows.values()].map((row, index) => (
        <Row key={row.name} row={row} first={index < FIRST_SCREEN} />
      ))}
    </div>
  );
}

/** A row that nothing happened to costs no more than a comparison, and one far out of view is only its name. */
function Row({ row, first }: { row: ScriptRow; first: boolean }) {
  const { ref, near, height } = useNear<HTMLDivElement>(first);
  const cells = useMemo(() => (near ? <Cells row={row} /> : <Name name={row.name} />), [near, row]);
  return (
    <div
      ref={ref}
      class={row.runs.length ? "row active" : "row"}
      role="row"
      style={{ minHeight: height === null ? "" : `${height}px` }}
    >
      {cells}
    </div>
  );
}

function Name({ name, children }: { name: string; children?: ComponentChildren }) {
  return (
    <div class="name" role="rowheader">
      <b>{name}</b>
      {children}
    </div>
  );
}

function Cells({ row }: { row: ScriptRow }) {
  return (
    <>
      <Name name={row.name}>
        {row.description && <span class="description">{row.description}</span>}
        <span class="note">{row.schedule.description}</span>
      </Name>
      <div role="cell" class="status" data-label="Status">
        <Signed {...statusOf(row)} />
        {row.progress && (
          <span class="note">
            <Bar percent={row.progress.percent} />
            {Math.round(row.progress.percent)}% {row.progress.text}
          </span>
        )}
      </div>
      <div role="cell" data-label="Last result">
        <Signed {...resultOf(row.result)} />
        {row.result && row.result.endedAt !== null && <Age then={row.result.endedAt} />}
      </div>
      <div role="cell" data-label="Duration">
        <Taken since={row.runs[0]?.startedAt ?? null} result={row.result} />
      </div>
      <div role="cell" data-label="Next start">
        <NextStart row={row} />
      </div>
      <Actions name={row.name} running={row.runs.length > 0} />
      {row.problem && (
        <p class="problem" role="cell">
          {row.problem}
        </p>
      )}
    </>
  );
}

function Age({ then }: { then: number }) {
  const text = useTick((now) => age(then, now));
  const when = useTick((now) => moment(then, now));
  return (
    <time class="note" dateTime={new Date(then).toISOString()} title={when}>
      {text}
    </time>
  );
}

/** Of the run under way, else of the last one. */
function Taken({ since, result }: { since: number | null; result: Result | null }) {
  const last = result && result.duration !== null ? duration(result.duration) : "–";
  return <span>{useTick((now) => (since === null ? last : elapsed(since, now)))}</span>;
}

function NextStart({ row }: { row: ScriptRow }) {
  const then = row.enabled ? row.nextStart : null;
  const left = useTick((now) => (then === null ? null : countdown(then, now)));
  const when = useTick((now) => (then === null ? "" : moment(then, now)));
  if (then === null || left === null) return <span>{withoutCountdown(row)}</span>;
  return (
    <>
      <span>{left}</span>
      <time class="note" dateTime={new Date(then).toISOString()}>
        {when}
      </time>
    </>
  );
}
