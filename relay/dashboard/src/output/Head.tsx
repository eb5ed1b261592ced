import { lacking } from "../access/lacking";
import type { Run } from "../events";
import { useTick } from "../live/clock";
import { isStopping, stopOne } from "../live/stopping";
import { go, type Route } from "../route";
import { useAction } from "../shell/action";
import { announce } from "../shell/announce";
import { bytes, count, duration, elapsed, moment } from "../text/format";
import { resultOf, stoppingSaying, triggerName } from "../text/words";
import { Signed } from "../ui/Signed";
import { beside } from "./choice";
import { words } from "./words";

interface Props {
  run: Run;
  /** The runs of the script, newest first. */
  runs: readonly Run[];
}

/** Which run it is, and how it went. */
export function Head({ run, runs }: Props) {
  const t = words();
  const stop = useAction(async () => {
    await stopOne(run.run_id);
    announce(t.stopping);
  });
  const whyNot = lacking("operate");
  const ending = run.status === "running" && isStopping([{ id: run.run_id }]);
  return (
    <div class="output-head">
      <Picker run={run} runs={runs} />
      <Signed {...(ending ? stoppingSaying() : resultOf({ ...run, exitCode: run.exit_code }))} />
      {run.status !== "skipped" && <Facts run={run} />}
      {run.status === "running" && (
        <button
          type="button"
          class="danger"
          disabled={stop.busy || ending || whyNot !== undefined}
          title={whyNot}
          onClick={() => void stop.go()}
        >
          {t.stop}
        </button>
      )}
      <Story run={run} />
      {run.dropped_bytes > 0 && <p class="note warning">{t.dropped(bytes(run.dropped_bytes))}</p>}
    </div>
  );
}

/** In a sentence what happened to a run that did not end by itself, or to a start that did not come to be one. */
function Story({ run }: { run: Run }) {
  const t = words();
  const { reason } = run;
  if (reason === null || reason === "exit_code" || reason === "signal") return null;
  const told = t.story[reason];
  return (
    <p class="note">
      {typeof told === "string" ? told : told(duration(run.duration ?? 0))}
      {reason === "spawn" && run.stderr_bytes > 0 && ` ${t.reasonBelow}`}
    </p>
  );
}

function Picker({ run, runs }: Props) {
  const t = words();
  const { older, newer } = beside(runs, run.run_id);
  const of = (id: string): Route => ({ page: "script", name: run.script_name, tab: "output", run: id });
  const known = runs.some(({ run_id }) => run_id === run.run_id) ? runs : [run, ...runs];
  return (
    <div class="output-picker">
      <Step to={older === null ? null : of(older)} title={t.older} path="M10 2 4 8l6 6 1.4-1.4L6.8 8l4.6-4.6Z" />
      <select
        aria-label={t.run}
        value={run.run_id}
        onChange={(event) => go(of(event.currentTarget.value))}
      >
        {known.map((each) => (
          <Choice key={each.run_id} run={each} />
        ))}
      </select>
      <Step to={newer === null ? null : of(newer)} title={t.newer} path="m6 2 6 6-6 6-1.4-1.4L9.2 8 4.6 3.4Z" />
    </div>
  );
}

function Step({ to, title, path }: { to: Route | null; title: string; path: string }) {
  return (
    <button type="button" class="icon" aria-label={title} title={title} disabled={!to} onClick={() => to && go(to)}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={path} />
      </svg>
    </button>
  );
}

function Choice({ run }: { run: Run }) {
  const when = useTick((now) => moment(Date.parse(run.started_at ?? run.scheduled_at), now));
  return (
    <option value={run.run_id}>
      {when} · {resultOf({ ...run, exitCode: run.exit_code }).text}
    </option>
  );
}

function Facts({ run }: { run: Run }) {
  const t = words();
  const startedAt = run.started_at === null ? null : Date.parse(run.started_at);
  const when = useTick((now) => (startedAt === null ? t.waiting : moment(startedAt, now)));
  const passed = useTick((now) => (startedAt === null || run.duration !== null ? "" : elapsed(startedAt, now)));
  /** The last of each: whether a narrow window has it elsewhere, or no room for it. */
  const facts: [string, string, boolean][] = [
    [t.started, when, startedAt !== null],
    [t.took, run.duration === null ? passed : duration(run.duration), false],
    [t.trigger, triggerName(run.trigger), true],
  ];
  if (run.exit_code !== null && run.exit_code >= 0) facts.push([t.exit, String(run.exit_code), true]);
  if (run.attempt > 1) facts.push([t.attempt, count(run.attempt), true]);
  if (run.status !== "running") facts.push([t.size, bytes(run.stdout_bytes + run.stderr_bytes), true]);
  return (
    <dl>
      {facts.map(([name, value, said]) => (
        <div key={name} class={said ? "said" : undefined}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
