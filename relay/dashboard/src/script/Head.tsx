import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Planned, plannedStarts } from "../api/planned";
import { clock, useTick } from "../live/clock";
import { grafana } from "../live/service";
import type { ScriptRow } from "../live/store";
import { Actions } from "../overview/Actions";
import { labelsOf } from "../overview/listing";
import { ResultNote, State } from "../overview/State";
import { age, countdown, moment } from "../text/format";
import { lastResultOf, triggerName, whileRunning } from "../text/words";
import { Signed } from "../ui/Signed";
import { sentence } from "./schedule";
import { words } from "./words";

/** What a script is, does and will do; `brief` leaves the room to what is below. */
export function Head({ row, brief }: { row: ScriptRow; brief: boolean }) {
  const t = words();
  const dashboard = grafana("cronscope-script", { script: row.name });
  return (
    <section class="script-head" aria-label={t.about}>
      <div class="bar-of spread">
        <div class="bar-of">
          <h1>{row.name}</h1>
          {brief && (
            <div class="now">
              <State row={row} />
            </div>
          )}
        </div>
        <div class="bar-of">
          {dashboard !== null && (
            <a class="button" href={dashboard} target="_blank" rel="noreferrer">
              {t.grafana} ↗
            </a>
          )}
          <Actions row={row} />
        </div>
      </div>
      {row.problem !== null && <p class="problem">
          <bdi>{row.problem}</bdi>
        </p>}
      {!brief && <Facts row={row} />}
    </section>
  );
}

function Facts({ row }: { row: ScriptRow }) {
  const t = words();
  const { text, lang } = sentence(row.schedule);
  const labels = labelsOf(row);
  return (
    <>
      {row.description && (
        <p class="told">
          <bdi>{row.description}</bdi>
        </p>
      )}
      <div class="facts">
        <div class="fact state">
          <State row={row} />
        </div>
        <Fact name={t.schedule}>
          <span lang={lang}>{text}</span>
          <span class="note">
            {row.schedule.kind === "cron" && <code>{row.schedule.value}</code>} {zone(row)}
          </span>
        </Fact>
        <Fact name={t.next}>
          <NextStarts row={row} />
        </Fact>
        <Fact name={t.last}>
          <Signed {...lastResultOf(row)} />
          {row.result && (
            <span class="note">
              <ResultNote result={row.result} />
            </span>
          )}
        </Fact>
        <Fact name={t.success}>
          <LastSuccess at={row.lastSuccess} />
        </Fact>
      </div>
      {labels.length > 0 && (
        <ul class="labels" aria-label={t.labels}>
          {labels.map((label) => (
            <li key={label}>
              <bdi>{label}</bdi>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <h2>{name}</h2>
      {children}
    </div>
  );
}

/** The schedule's time zone, where it is not the reader's. */
function zone({ schedule }: ScriptRow): string {
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return schedule.kind === "cron" && schedule.timezone !== mine ? schedule.timezone : "";
}

/** Starts that are listed, and how far ahead they are looked for. */
const STARTS = 5;
const FAR = 31 * 86_400_000 - 60_000; // a minute less than the most, for clocks that differ

/** The next five starts within a month; of one that is further away only that. */
function NextStarts({ row }: { row: ScriptRow }) {
  const t = words();
  const { name, enabled, nextStart, schedule } = row;
  const condition = whileRunning(row);
  const [planned, setPlanned] = useState<Planned | undefined>();
  useEffect(() => {
    const abort = new AbortController();
    plannedStarts({ script: name, until: clock.now() + FAR, limit: STARTS }, abort.signal).then(
      ([known]) => setPlanned(known),
      () => setPlanned(undefined), // the next one is known all the same
    );
    return () => abort.abort();
  }, [name, enabled, nextStart, schedule]);
  const starts = planned?.starts ?? [];
  const next = nextStart ?? starts[0];
  const retry = planned?.retry && next === starts[0];
  const left = useTick((now) => (next === undefined ? null : countdown(next, now)));
  const [first, ...others] = useTick((now) =>
    [...new Set(nextStart === null ? starts : [nextStart, ...starts])]
      .filter((at) => at > now)
      .slice(0, STARTS)
      .map((at) => moment(at, now))
      .join("\n"),
  ).split("\n");
  if (!enabled) return <span class="note">{t.off}</span>;
  if (!first) return <span class="note">{t.none}</span>;
  return (
    <>
      <span>
        {left} <span class="note">{[first, retry && triggerName("retry")].filter(Boolean).join(" · ")}</span>
      </span>
      {condition !== null && <span class="note">{condition}</span>}
      {others.length > 0 && <span class="note">{t.then(others.join(" · "))}</span>}
    </>
  );
}

function LastSuccess({ at }: { at: number | null }) {
  const when = useTick((now) => (at === null ? "" : moment(at, now)));
  const ago = useTick((now) => (at === null ? words().never : age(at, now)));
  return (
    <>
      <span>{ago}</span>
      {at !== null && (
        <time class="note" dateTime={new Date(at).toISOString()}>
          {when}
        </time>
      )}
    </>
  );
}
