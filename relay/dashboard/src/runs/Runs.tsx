import { state } from "../live/live";
import type { RunFilter } from "../api/runs";
import { filtered, replace, type Route } from "../route";
import { RunFilters } from "./RunFilters";
import { RunList } from "./RunList";
import { words } from "./words";

/** The runs of all scripts. */
export function Runs({ route: { filter = {} } }: { route: Extract<Route, { page: "runs" }> }) {
  const t = words();
  const { rows } = state.value;
  const look = (wanted: RunFilter) => replace({ page: "runs", ...filtered(wanted) });
  return (
    <>
      <h1>{t.title}</h1>
      <RunFilters filter={filter} scripts={[...(rows?.keys() ?? [])]} onChange={look} />
      <RunList
        filter={filter}
        label={t.runs}
        several
        none={t.none}
        onForget={Object.keys(filter).length ? () => look({}) : null}
      />
    </>
  );
}
