import { clock, useTick } from "../live/clock";
import type { ScriptRow } from "../live/store";
import { address, type Route } from "../route";
import { sentence } from "../script/schedule";
import { bytes, countdown, duration, elapsed, moment } from "../text/format";
import { resultOf, triggerName } from "../text/words";
import { Signed } from "../ui/Signed";
import type { TimedRun } from "./collection";
import { words } from "./words";

/** Where a run is looked at more closely; of a start that did not happen there is only the script. */
export function placeOf(run: TimedRun): Route {
  return run.status === "skipped" || run.waiting
    ? { page: "script", name: run.script, tab: "runs" }
    : { page: "script", name: run.script, tab: "output", run: run.id };
}

/** All that is known of a run. */
export function RunCard({ run }: { run: TimedRun }) {
  const t = words();
  const took = useTick((now) => (run.end === null ? elapsed(run.start, now) : duration(run.end - run.start)));
  const skipped = run.status === "skipped";
  const facts: [string, string | null][] = [
    [skipped ? t.wasPlanned : run.waiting ? t.waitsSince : t.started, moment(run.start, clock.now())],
    [t.duration, skipped || run.waiting ? null : took],
    [t.trigger, run.trigger && triggerName(run.trigger) + ((run.attempt ?? 1) > 1 ? ` · ${t.attempt(run.attempt!)}` : "")],
    [t.exit, run.exitCode === null ? null : String(run.exitCode)],
    [t.cpu, run.cpuSeconds === null ? null : duration(run.cpuSeconds * 1000)],
    [t.memory, run.maxRss === null ? null : bytes(run.maxRss)],
  ];
  return (
    <>
      <b>{run.script}</b>
      <Signed {...(run.waiting ? { sign: "idle", text: t.waitsSince } : resultOf(run))} />
      <Facts facts={facts} />
      <a href={address(placeOf(run))} tabIndex={-1}>
        {skipped || run.waiting ? t.openScript : t.open}
      </a>
    </>
  );
}

/** What is known of a start that is to come. */
export function PlannedCard({ row, at }: { row: ScriptRow; at: number }) {
  const t = words();
  const left = useTick((now) => countdown(at, now) ?? "");
  const { text, lang } = sentence(row.schedule);
  return (
    <>
      <b>{row.name}</b>
      <Signed sign="idle" text={t.plannedStart} />
      <Facts facts={[[moment(at, clock.now()), left]]} />
      <span class="note" lang={lang}>
        {text}
      </span>
    </>
  );
}

function Facts({ facts }: { facts: [string, string | null][] }) {
  return (
    <dl>
      {facts.map(
        ([name, value]) =>
          value !== null && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
