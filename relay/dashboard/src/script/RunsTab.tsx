import type { RunFilter } from "../api/runs";
import { flag } from "../preferences";
import { filtered, replace } from "../route";
import { RunFilters } from "../runs/RunFilters";
import { RunList } from "../runs/RunList";
import { words as runWords } from "../runs/words";
import { Durations } from "./Durations";
import { Failures } from "./Failures";
import { useHistory } from "./history";
import type { TabProps } from "./ScriptPage";
import { words } from "./words";

/** Whether the charts are shown; on a telephone the latest runs come first. */
const charts = flag("script-charts", innerWidth >= 600);

/** How a script did: at a glance, and run by run. */
export function RunsTab({ row, route }: TabProps) {
  const t = words();
  const { name } = row;
  const { runs, more, problem } = useHistory(row);
  const { filter = {} } = route;
  const look = (wanted: RunFilter) => replace({ page: "script", name, tab: "runs", ...filtered(wanted) });
  return (
    <>
      {problem !== null && <p class="problem">{problem}</p>}
      {charts.value && (
        <div class="glance">
          <Durations name={name} runs={runs} />
          <Failures name={name} runs={runs} more={more} />
        </div>
      )}
      <button type="button" class="quiet" aria-expanded={charts.value} onClick={() => (charts.value = !charts.value)}>
        {charts.value ? t.hideCharts : t.showCharts}
      </button>
      <RunFilters filter={filter} onChange={look} scripts={null} />
      <RunList
        filter={{ ...filter, script: name }}
        label={runWords().runsOf(name)}
        several={false}
        none={row.result ? t.cleared : runWords().none}
        onForget={Object.keys(filter).length ? () => look({}) : null}
      />
    </>
  );
}
