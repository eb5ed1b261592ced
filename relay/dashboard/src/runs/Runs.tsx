import { state } from "../live/live";
import { RunFilters } from "./RunFilters";
import { RunList } from "./RunList";
import { wish } from "./wish";
import { words } from "./words";

/** The runs of all scripts. */
export function Runs() {
  const t = words();
  const { rows } = state.value;
  const filter = wish.value;
  return (
    <>
      <h1>{t.title}</h1>
      <RunFilters filter={filter} scripts={[...(rows?.keys() ?? [])]} onChange={(changed) => (wish.value = changed)} />
      <RunList
        filter={filter}
        label={t.runs}
        several
        onForget={Object.keys(filter).length ? () => (wish.value = {}) : null}
      />
    </>
  );
}
