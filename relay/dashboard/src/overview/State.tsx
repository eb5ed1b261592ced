import { useTick } from "../live/clock";
import { isStopping } from "../live/stopping";
import { isOverdue } from "../live/summary";
import type { Result, ScriptRow } from "../live/store";
import { age, duration, elapsed, moment, wholeUnit } from "../text/format";
import { overdueSaying, type Saying, statusOf, stoppingSaying } from "../text/words";
import { Bar } from "../ui/Bar";
import { Signed } from "../ui/Signed";
import { estimate } from "./estimate";
import { words } from "./words";

/** What a script is doing, and how far it is. */
export function State({ row }: { row: ScriptRow }) {
  const overdue = useTick((now) => isOverdue(row, now));
  const since = row.runs[0]?.startedAt ?? null;
  const passed = useTick((now) => (since === null ? null : elapsed(since, now)));
  return (
    <>
      <span class="line">
        <Signed {...saying(row, overdue)} />
        {passed !== null && <span class="note"> {passed}</span>}
      </span>
      {row.runs.length > 0 && <Progress row={row} />}
    </>
  );
}

function saying(row: ScriptRow, overdue: boolean): Saying {
  if (isStopping(row.runs)) return stoppingSaying();
  return overdue && !row.runs.length ? overdueSaying() : statusOf(row);
}

function Progress({ row }: { row: ScriptRow }) {
  const t = words();
  const percent = useTick((now) => Math.round(estimate(row, now)?.percent ?? -1));
  const text = useTick((now) => {
    const found = estimate(row, now);
    if (!found) return "";
    if (found.guessed) return found.left ? t.estimated(wholeUnit(found.left)) : t.longer;
    return [`${Math.round(found.percent)}%`, found.left === null ? "" : t.left(wholeUnit(found.left)), found.text]
      .filter(Boolean)
      .join(" · ");
  });
  if (percent < 0) return null;
  return (
    <div
      class="progress"
      role="progressbar"
      aria-label={t.progress(row.name)}
      aria-valuenow={percent}
      aria-valuetext={text}
    >
      <Bar percent={percent} />
      <span class="note line" title={text}>
        <bdi>{text}</bdi>
      </span>
    </div>
  );
}

/** When a run ended, and how long it took. */
export function ResultNote({ result: { endedAt, duration: took } }: { result: Result }) {
  const ago = useTick((now) => (endedAt === null ? "" : age(endedAt, now)));
  const when = useTick((now) => (endedAt === null ? "" : moment(endedAt, now)));
  return (
    <>
      {endedAt !== null && (
        <time dateTime={new Date(endedAt).toISOString()} title={when}>
          {ago}
        </time>
      )}
      {took !== null && ` · ${duration(took)}`}
    </>
  );
}
