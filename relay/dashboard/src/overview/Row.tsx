import { useMemo } from "preact/hooks";
import { useTick } from "../live/clock";
import type { ScriptRow } from "../live/store";
import { address } from "../route";
import { sentence } from "../script/schedule";
import { countdown, moment } from "../text/format";
import { language } from "../text/language";
import { lastResultOf, whileRunning, withoutCountdown } from "../text/words";
import { Signed } from "../ui/Signed";
import { Actions } from "./Actions";
import { Bars } from "./Bars";
import { ResultNote, State } from "./State";
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
      <div role="cell" class="pick">
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
  const { text, lang } = sentence(row.schedule);
  return (
    <>
      <div class="name" role="rowheader">
        <a class="line" href={address({ page: "script", name: row.name, tab: "runs" })}>
          {row.name}
        </a>
        {row.problem === null ? (
          <span class="note line" title={row.description}>
            {row.description ? <bdi>{row.description}</bdi> : <span lang={lang}>{text}</span>}
          </span>
        ) : (
          <span class="note line problem" title={row.problem}>
            <bdi>{row.problem}</bdi>
          </span>
        )}
      </div>
      <div role="cell" class="state">
        <State row={row} />
      </div>
      <div role="cell" class="result">
        <span class="line">
          <Signed {...lastResultOf(row)} />
        </span>
        {row.result && (
          <span class="note line">
            <ResultNote result={row.result} />
          </span>
        )}
      </div>
      <div role="cell" class="recent">
        {row.recent !== null && row.recent.length > 0 && <Bars runs={row.recent} />}
      </div>
      <div role="cell" class="next">
        <NextStart row={row} />
      </div>
      <div role="cell" class="actions">
        <Actions row={row} />
      </div>
    </>
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
      <time class="note line" dateTime={new Date(then).toISOString()} title={when}>
        {whileRunning(row) ?? when}
      </time>
    </>
  );
}
