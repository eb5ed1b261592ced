import { Fragment, type ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { Run } from "../events";
import { clock, useTick } from "../live/clock";
import { address } from "../route";
import { age, bytes, duration, elapsed, moment } from "../text/format";
import { language } from "../text/language";
import { resultOfRun, triggerName } from "../text/words";
import { RecordTable } from "../ui/RecordTable";
import { Signed } from "../ui/Signed";
import { begun } from "./listing";
import { words } from "./words";

interface Props {
  runs: readonly Run[];
  label: string;
  several: boolean;
  /** When the reader left, Unix ms; above run number `divider` is what is new since then, -1 for nothing. */
  left: number | null;
  divider: number;
}

export function RunTable({ runs, label, several, left, divider }: Props) {
  const t = words();
  const columns = [t.start, ...(several ? [t.script] : []), t.trigger, t.result, t.duration, t.exit, t.cpu, t.memory, t.output];
  return (
    <RecordTable label={label} columns={columns}>
      {runs.map((run, index) => (
        <Fragment key={run.run_id}>
          {index === divider && left !== null && (
            <tr class="divider" role="row">
              <td role="cell" colSpan={columns.length}>
                ↑ {t.since(moment(left, clock.now()))}
              </td>
            </tr>
          )}
          <Row run={run} several={several} />
        </Fragment>
      ))}
    </RecordTable>
  );
}

/** A row that nothing happened to costs no more than a comparison. */
function Row({ run, several }: { run: Run; several: boolean }) {
  const t = words();
  const spoken = language.value;
  return useMemo(() => {
    const { script_name: name, status, exit_code: exit, cpu_seconds: cpu, max_rss_bytes: memory } = run;
    const cells: [string, ComponentChildren][] = [
      [t.trigger, triggerName(run.trigger) + (run.attempt > 1 ? ` · ${t.attempt(run.attempt)}` : "")],
      [t.result, <Signed {...resultOfRun(run)} />],
      [t.duration, <Took run={run} />],
      [t.exit, exit ?? "–"],
      [t.cpu, cpu === null ? "–" : duration(cpu * 1000)],
      [t.memory, memory === null ? "–" : bytes(memory)],
      [t.output, status === "skipped" ? "–" : <Written run={run} />],
    ];
    return (
      <tr role="row" class={status}>
        <th role="rowheader" scope="row">
          <Start run={run} />
        </th>
        {several && (
          <td role="cell" class="of" data-label={t.script}>
            <a href={address({ page: "script", name, tab: "runs" })}>{name}</a>
          </td>
        )}
        {cells.map(([label, content]) => (
          <td key={label} role="cell" data-label={label} class={content === "–" ? "none" : label === t.result ? "result" : ""}>
            {content}
          </td>
        ))}
      </tr>
    );
  }, [run, several, spoken]);
}

/** Leads to the run's output, if there was a run. */
function Start({ run }: { run: Run }) {
  const then = begun(run);
  const when = useTick((now) => moment(then, now));
  const ago = useTick((now) => age(then, now));
  const time = <time dateTime={new Date(then).toISOString()}>{when}</time>;
  return (
    <>
      {run.status === "skipped" ? (
        time
      ) : (
        <a class="to-output" href={address({ page: "script", name: run.script_name, tab: "output", run: run.run_id })}>
          {time}
        </a>
      )}
      <span class="note">{ago}</span>
    </>
  );
}

function Took({ run }: { run: Run }) {
  const going = run.status === "running" && run.started_at !== null;
  const text = useTick((now) => (going ? elapsed(begun(run), now) : run.duration === null ? "–" : duration(run.duration)));
  return <>{text}</>;
}

/** How much the run wrote. */
function Written({ run: { stdout_bytes, stderr_bytes, dropped_bytes } }: { run: Run }) {
  const t = words();
  return (
    <>
      {bytes(stdout_bytes)}
      {stderr_bytes > 0 && <span class="note">{t.errors(bytes(stderr_bytes))}</span>}
      {dropped_bytes > 0 && <span class="note warning">{t.dropped(bytes(dropped_bytes))}</span>}
    </>
  );
}
