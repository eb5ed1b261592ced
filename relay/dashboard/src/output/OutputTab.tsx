import { useRef } from "preact/hooks";
import "./output.css";
import { ApiError } from "../api/client";
import { runScript } from "../api/scripts";
import type { Run } from "../events";
import { useTick } from "../live/clock";
import type { ScriptRow } from "../live/store";
import { address, go } from "../route";
import type { TabProps } from "../script/ScriptPage";
import { useAction } from "../shell/action";
import { said } from "../shell/announce";
import { moment } from "../text/format";
import { latestOf } from "./choice";
import { Head } from "./Head";
import { type Asked, useRun, useRuns } from "./useRuns";
import { useRunOutput } from "./useRunOutput";
import { Viewer } from "./Viewer";
import { words } from "./words";

/** The output of one run of a script: the one that the address names, else the latest. */
export function OutputTab({ row, route }: TabProps) {
  const t = words();
  const runs = useRuns(row, route.run);
  const latest = latestOf(row.runs, runs.value ?? []);
  // A new run is shown by itself only to who reads along at the end of the one before.
  const shown = useRef<string | null>(null);
  const following = useRef(true);
  const named = useRef(route.run);
  if (shown.current === null || following.current || named.current !== route.run) shown.current = route.run ?? latest;
  named.current = route.run;
  const start = useAction(() => runScript(row.name));
  if (shown.current !== null) {
    return (
      <OneRun
        key={shown.current}
        {...{ row, runs }}
        id={shown.current}
        line={route.line}
        onFollow={(is) => (following.current = is)}
      />
    );
  }
  if (!runs.value) return <Waiting asked={runs} />;
  return (
    <section class="card empty">
      <p>{row.result ? t.noneKept : t.never}</p>
      <button type="button" class="main" disabled={start.busy} onClick={() => void start.go()}>
        {t.start}
      </button>
    </section>
  );
}

interface OneRunProps {
  row: ScriptRow;
  runs: Asked<readonly Run[]>;
  id: string;
  line: number | undefined;
  onFollow(following: boolean): void;
}

function OneRun({ row, runs, id, line, onFollow }: OneRunProps) {
  const t = words();
  const asked = useRun(row, id);
  const run = asked.value;
  const followed = useRunOutput(id, run?.status === "running");
  const startedAt = run && Date.parse(run.started_at ?? run.scheduled_at);
  const label = useTick((now) => (startedAt === null ? "" : t.region(moment(startedAt, now))));
  if (!run) return <Waiting asked={asked} />;
  if ([asked.problem, followed.output.problem].some(isUnknown)) {
    return (
      <div class="notice">
        <p>{t.deleted}</p>
        <button
          type="button"
          onClick={() => {
            onFollow(true);
            runs.again();
            go({ page: "script", name: row.name, tab: "output" });
          }}
        >
          {t.latest}
        </button>
      </div>
    );
  }
  if (run.script_name !== row.name) {
    return (
      <section class="card">
        <a href={address({ page: "script", name: run.script_name, tab: "output", run: id })}>
          {t.otherScript(run.script_name)}
        </a>
      </section>
    );
  }
  return (
    <>
      <Head run={run} runs={runs.value ?? []} />
      {run.status !== "skipped" && <Viewer {...{ run, followed, label, line, onFollow }} />}
    </>
  );
}

function isUnknown(problem: unknown): boolean {
  return problem instanceof ApiError && problem.status === 404;
}

/** Until there is an answer, and where that is an error. */
function Waiting({ asked: { problem, again } }: { asked: Asked<unknown> }) {
  const t = words();
  if (problem === null) return <p class="note loading">{t.loading}</p>;
  return (
    <div class="notice">
      <p class="problem">{isUnknown(problem) ? t.unknown : said(problem)}</p>
      <button type="button" onClick={again}>
        {t.retry}
      </button>
    </div>
  );
}
