import { useMemo } from "preact/hooks";
import { runScript, stopScript, switchScript } from "../api/scripts";
import { useTick } from "../live/clock";
import { isOverdue } from "../live/summary";
import type { Result, ScriptRow } from "../live/store";
import { address } from "../route";
import { announce } from "../shell/announce";
import { useAction } from "../shell/action";
import { age, countdown, duration, elapsed, moment, wholeUnit } from "../text/format";
import { language } from "../text/language";
import { overdueSaying, resultOf, statusOf, withoutCountdown } from "../text/words";
import { Bar } from "../ui/Bar";
import { Signed } from "../ui/Signed";
import { Bars } from "./Bars";
import { estimate } from "./estimate";
import { words } from "./words";

interface Props {
  row: ScriptRow;
  /** Its place in the list, from 0. */
  index: number;
  selected: boolean;
  /** It is the one that keys are for. */
  current: boolean;
  onSelect(name: string, selected: boolean): void;
}

/** A script and its live state. A row that nothing happened to costs no more than a comparison. */
export function Row({ row, index, selected, current, onSelect }: Props) {
  const spoken = language.value;
  const cells = useMemo(() => <Cells row={row} />, [row, spoken]);
  return (
    <div
      class={`row ${row.runs.length ? "running" : ""}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected}
      aria-current={current || undefined}
      data-script={row.name}
    >
      <div role="cell" class="choice">
        <input
          type="checkbox"
          aria-label={words().select(row.name)}
          checked={selected}
          onChange={(event) => onSelect(row.name, event.currentTarget.checked)}
        />
      </div>
      {cells}
    </div>
  );
}

function Cells({ row }: { row: ScriptRow }) {
  return (
    <>
      <div class="name" role="rowheader">
        <a class="line" href={address({ page: "script", name: row.name, tab: "runs" })}>
          {row.name}
        </a>
        {row.problem === null ? (
          <span class="note line" title={row.description}>
            {row.description || <span lang="en">{row.schedule.description}</span>}
          </span>
        ) : (
          <span class="note line problem" title={row.problem}>
            {row.problem}
          </span>
        )}
      </div>
      <State row={row} />
      <div role="cell" class="result">
        <span class="line">
          <Signed {...resultOf(row.result)} />
        </span>
        {row.result && <ResultNote result={row.result} />}
      </div>
      <div role="cell" class="recent">
        {row.recent !== null && row.recent.length > 0 && <Bars runs={row.recent} />}
      </div>
      <div role="cell" class="next">
        <NextStart row={row} />
      </div>
      <Actions name={row.name} enabled={row.enabled} running={row.runs.length > 0} />
    </>
  );
}

function State({ row }: { row: ScriptRow }) {
  const overdue = useTick((now) => isOverdue(row, now));
  const since = row.runs[0]?.startedAt ?? null;
  const passed = useTick((now) => (since === null ? null : elapsed(since, now)));
  return (
    <div role="cell" class="state">
      <span class="line">
        <Signed {...(overdue && !row.runs.length ? overdueSaying() : statusOf(row))} />
        {passed !== null && <span class="note"> {passed}</span>}
      </span>
      {row.runs.length > 0 && <Progress row={row} />}
    </div>
  );
}

function Progress({ row }: { row: ScriptRow }) {
  const t = words();
  const percent = useTick((now) => Math.round(estimate(row, now)?.percent ?? -1));
  const text = useTick((now) => {
    const found = estimate(row, now);
    if (!found) return "";
    if (found.guessed) return found.left ? t.estimated(wholeUnit(found.left)) : t.longer;
    return [`${Math.round(found.percent)}%`, found.left === null ? "" : t.left(wholeUnit(found.left)), row.progress?.text]
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
        {text}
      </span>
    </div>
  );
}

function ResultNote({ result: { endedAt, duration: took } }: { result: Result }) {
  const ago = useTick((now) => (endedAt === null ? "" : age(endedAt, now)));
  const when = useTick((now) => (endedAt === null ? "" : moment(endedAt, now)));
  return (
    <span class="note line">
      {endedAt !== null && (
        <time dateTime={new Date(endedAt).toISOString()} title={when}>
          {ago}
        </time>
      )}
      {took !== null && ` · ${duration(took)}`}
    </span>
  );
}

function NextStart({ row }: { row: ScriptRow }) {
  const then = row.enabled ? row.nextStart : null;
  const left = useTick((now) => (then === null ? null : countdown(then, now)));
  const when = useTick((now) => (then === null ? "" : moment(then, now)));
  if (then === null || left === null) return <span class="note">{withoutCountdown(row)}</span>;
  return (
    <>
      <span class="line">{left}</span>
      <time class="note line" dateTime={new Date(then).toISOString()}>
        {when}
      </time>
    </>
  );
}

function Actions({ name, enabled, running }: { name: string; enabled: boolean; running: boolean }) {
  const t = words();
  const run = useAction(async () => {
    await runScript(name);
    announce(t.started(name));
  });
  const stop = useAction(async () => {
    await stopScript(name);
    announce(t.stopping(name));
  });
  const change = useAction((wanted: boolean) => switchScript(name, wanted));
  return (
    <div class="actions" role="cell">
      <input
        type="checkbox"
        role="switch"
        aria-label={t.enabledOf(name)}
        checked={enabled}
        disabled={change.busy}
        onClick={(event) => {
          event.preventDefault(); // it shows what the service says, not what was wished for
          void change.go(!enabled);
        }}
      />
      <button type="button" aria-label={t.runOf(name)} disabled={run.busy} onClick={() => run.go()}>
        {t.run}
      </button>
      <button type="button" aria-label={t.stopOf(name)} disabled={stop.busy || !running} onClick={() => stop.go()}>
        {t.stop}
      </button>
    </div>
  );
}
